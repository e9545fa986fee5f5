# The ops without ONNX Runtime: build, tests, sanitizer, and what processes leave behind. Sourced by bench/gpu.sh.

# Compute capabilities of the GPUs here, as CMake wants them.
architectures() {
  local found=
  has nvidia-smi && found=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | grep -E '^[0-9]+\.[0-9]+$' |
    tr -d . | sort -nu | paste -sd ';')
  echo "${SESS_CUDA_ARCHITECTURES:-${found:-90}}"
}

build_native() {
  local with_tests=OFF
  [[ -e /usr/include/gtest/gtest.h && -e /usr/include/benchmark/benchmark.h ]] && with_tests=ON
  cmake -S . -B "$build" -DSESS_GPU_BENCH=ON -DSESS_TESTS=$with_tests -DSESS_CUDA_ARCHITECTURES="$(architectures)" \
    ${SESS_ORT_INCLUDE:+-DSESS_ORT_INCLUDE="$SESS_ORT_INCLUDE"} &&
    cmake --build "$build" --parallel && echo "built in $build for $(architectures)"
}

native_tests() {
  "$tests" --gtest_brief=1 >"$work/tests" 2>&1
  local status=$?
  tail -n 30 "$work/tests" >&2
  ((status == 0)) && grep -q 'PASSED' "$work/tests" && grep -E 'ran\.|PASSED' "$work/tests" | paste -sd ' '
}

two_at_once() {
  "$bench" >"$work/a" &
  local other=$!
  "$bench" >"$work/b"
  local mine=$?
  wait "$other" && ((mine == 0)) && [[ -s $work/a && -s $work/b ]] && echo 'both ended well'
}

memory_flat() {
  local first last
  first=$(sed -n 's/.*"free_after_first": \([0-9]*\).*/\1/p' "$work/bench.json")
  last=$(sed -n 's/.*"free_after_last": \([0-9]*\).*/\1/p' "$work/bench.json")
  echo "bytes free after the first run: $first, after the last: $last"
  is_number "$first" && is_number "$last" && ((last >= first))
}

# The pyramid and its windows only move bytes, and are held to the card's own copy; fusion is bound by arithmetic
# (docs/cuda.md), and its share is printed with the other ops'.
moves_bytes() {
  local share
  share=$(sed -n 's/.*"op": "pyramid and gather, .*"share_of_copy": \([0-9.]*\).*/\1/p' "$work/bench.json")
  awk -v share="$share" 'BEGIN { printf "%.1f %% of the copy, at least 80\n", 100 * share; exit !(share >= 0.8) }'
}

# What processes hold on the GPUs: their number, and MiB where the driver tells (it does not under MIG).
held_processes() { nvidia-smi --query-compute-apps=pid --format=csv,noheader | grep -c '[0-9]'; }
held_memory() { nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits | awk '/^[0-9]+$/ { s += $1; n = 1 } END { if (n) print s }'; }

killed_process() {
  local processes memory left=
  processes=$(held_processes)
  memory=$(held_memory)
  "$bench" >/dev/null &
  sleep 3
  kill -9 $! || { echo 'the benchmark ended before it was killed'; return 1; }
  wait $! 2>/dev/null
  for _ in {1..10}; do # the driver cleans up after the process is gone
    sleep 1
    left=$(held_memory)
    is_number "$memory" && is_number "$left" && ((left > memory + 8)) || break
  done
  echo "processes: $processes before, $(held_processes) after; MiB: ${memory:-unknown} before, ${left:-unknown} after"
  is_number "$processes" && (($(held_processes) <= processes)) || return 1
  [[ -z $memory ]] || { is_number "$left" && ((left <= memory + 8)); }
}

sanitize() {
  timeout 1800 compute-sanitizer --tool "$1" --error-exitcode 9 "$tests" --gtest_brief=1 \
    --gtest_filter='-ThreadPool*:JobQueue*:Normal*:Backend*:CudaKernels*:OrtSession*' && echo 'no errors'
}

on_device() {
  step 'pyramid and gather of 12 megapixels' moves_bytes
  step 'two processes at once' two_at_once
  step 'memory flat over 200 runs' memory_flat
  if has nvidia-smi; then
    step 'a killed process leaves nothing' killed_process
  else
    note 'a killed process leaves nothing' skipped 'there is no nvidia-smi'
  fi
}

sanitized() {
  if has compute-sanitizer && [[ -x $tests ]]; then
    for tool in memcheck racecheck initcheck synccheck; do
      step "compute-sanitizer $tool" sanitize "$tool"
    done
  else
    note compute-sanitizer skipped 'it is not on PATH, or there is no native_test'
  fi
}

bare_model() {
  kept "$work/model-$1.json" "$build/native/bench/gpu/gpu_model" "$SESS_ORT_CUDA_DIR/libonnxruntime.so.1" \
    "$SESS_GPU_MODEL" "$1" && tail -n 1 "$work/model-$1.json"
}

bare_models() {
  if [[ -n ${SESS_ORT_CUDA_DIR:-} && -n ${SESS_GPU_MODEL:-} && -x $build/native/bench/gpu/gpu_model ]]; then
    for precision in fp32 tf32; do step "bare model, $precision" bare_model $precision; done
  else
    note 'bare model' skipped 'SESS_ORT_CUDA_DIR or SESS_GPU_MODEL is not set, or gpu_model was not built'
  fi
}
