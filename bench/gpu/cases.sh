# End to end without Node: cases that bench/gpu/cases.mjs wrote, through gpu_explain. Sourced by bench/gpu.sh.

# native_case FILE PRECISION OPTION...: on the processor and on the device, compared with the library's map.
native_case() {
  local case=$1 precision=$2 json
  json=$(json_of "$case" "$precision")
  shift 2
  local session=$precision
  [[ $session != fp16 ]] || session=fp32 # a case of its own, whose graph computes in float16
  kept "$json" "$build/native/bench/gpu/gpu_explain" "$SESS_ORT_CUDA_DIR/libonnxruntime.so.1" "$case" \
    --precision "$session" "$@" || { [[ ! -s $json.part ]] || summary "$json.part"; return 1; }
  summary "$json"
}

json_of() { echo "$work/explained-$(basename "$1" .case)-$2.json"; }

# How far the map is from the library's, and how many there are in a second where that was measured.
summary() {
  local difference rate=
  difference=$(sed -n 's/.*"cuda_to_library": {"share_within_1e-3": \([^,]*\), "mean": \([^,]*\), "largest": \([^,]*\),.*/\1 of the pixels within 1e-3, mean \2, largest \3/p' "$1")
  [[ -z $(number_in ratio "$1") ]] ||
    rate="; $(number_in photos_per_s "$1") photos/s, $(number_in windows_per_s "$1") windows/s"
  echo "$difference$rate"
}

ratio_holds() {
  echo "$(number_in ratio "$1") x: explain $(number_in explain_ms "$1") ms, bare $(number_in bare_ms "$1") ms in batches of" \
    "$(number_in bare_batch "$1"); at most $(number_in bound "$1")"
  grep -q '"ratio_holds": true' "$1"
}

native_memory_flat() {
  local first last
  first=$(number_in free_after_first "$1")
  last=$(number_in free_after_last "$1")
  echo "bytes free after 10 explanations: $first, after $(number_in explanations "$1"): $last"
  is_number "$first" && is_number "$last" && ((last + (8 << 20) >= first))
}

# Times, memory and copies are told of cases with a bound; the others are compared.
one_case() {
  local case=$1 precision=$2 name json
  name="native $(basename "$case" .case), $precision"
  if ! grep -q '^bound ' "$case"; then
    step "$name" native_case "$case" "$precision" --trials 0 --explanations 0
    return
  fi
  json=$(json_of "$case" "$precision")
  step "$name" native_case "$case" "$precision" || return
  step "$name, over the bare model" ratio_holds "$json"
  step "$name, memory flat" native_memory_flat "$json"
  if [[ $precision == tf32 ]]; then
    return # copies as fp32
  elif [[ -e $counter ]]; then
    step "$name, copies counted" copies_counted "$build/native/bench/gpu/gpu_explain" \
      "$SESS_ORT_CUDA_DIR/libonnxruntime.so.1" "$case" --trials 0 --explanations
  else
    note "$name, copies counted" skipped 'libcount_copies.so was not built: there was no CUPTI'
  fi
}

native_cases() {
  if [[ -z ${SESS_ORT_CUDA_DIR:-} || -z ${SESS_GPU_CASES:-} || ! -x $build/native/bench/gpu/gpu_explain ]]; then
    note 'native end to end' skipped 'SESS_ORT_CUDA_DIR or SESS_GPU_CASES is not set, or gpu_explain was not built'
    return
  fi
  local case precision found=0
  for case in "$SESS_GPU_CASES"/*.case; do
    [[ -e $case ]] || continue
    found=1
    if grep -q '^precision fp16$' "$case"; then
      one_case "$case" fp16
    else
      for precision in fp32 tf32; do one_case "$case" $precision; done
    fi
  done
  ((found)) || note 'native end to end' FAILED "there is no case in $SESS_GPU_CASES"
}
