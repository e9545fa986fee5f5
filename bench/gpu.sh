#!/usr/bin/env bash
# Everything about CUDA that needs a GPU, in one call on a bare host: the native tests on CPU and device, compute-sanitizer,
# the native benchmark (bytes moved as a share of the measured copy), flat memory, two processes at once, and end to end
# through ONNX Runtime. What cannot be run is told with the reason. One table, and bench/results/gpu-DATE.json.
#
#   bench/gpu.sh                 builds with cmake and nvcc, and needs GoogleTest for the tests
#   SESS_GPU_BUILD=DIR           takes native/test/native_test and native/bench/gpu/gpu_bench from a build made elsewhere
#   SESS_GPU_MODEL=FILE.onnx     a plain classifier of one float32 input, for the bare model's speed and difference
#   SESS_ORT_CUDA_DIR=DIR        ONNX Runtime of one version: libonnxruntime.so.1, providers_shared and providers_cuda.
#                                With node and node_modules here, end to end runs too (SESS_SHARED: goldens and models)
set -uo pipefail
cd "$(dirname "$0")/.."
build=${SESS_GPU_BUILD:-build/gpu}
results=bench/results
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
rows=()

# note STEP RESULT DETAIL: a row of the table.
note() {
  rows+=("$(printf '%-34s %-8s %s' "$1" "$2" "$3")")
  printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$work/steps"
  [[ $2 != FAILED ]] || failed=1
}

# step NAME COMMAND...: runs it; the last line of its output is the detail.
step() {
  local name=$1
  shift
  if "$@" >"$work/out" 2>&1; then
    note "$name" ok "$(tail -n 1 "$work/out")"
  else
    note "$name" FAILED "$(tail -n 1 "$work/out")"
    tail -n 40 "$work/out" >&2
  fi
}

has() { command -v "$1" >/dev/null 2>&1; }

native() {
  if [[ -z ${SESS_GPU_BUILD:-} ]]; then
    if ! has cmake; then
      note build skipped 'there is no cmake: build elsewhere and name the folder in SESS_GPU_BUILD'
      return
    fi
    local tests=OFF architectures=${SESS_CUDA_ARCHITECTURES:-}
    [[ -z $architectures ]] && has nvidia-smi && architectures=native
    [[ -e /usr/include/gtest/gtest.h && -e /usr/include/benchmark/benchmark.h ]] && tests=ON
    step build bash -c "cmake -S . -B '$build' -DSESS_GPU_BENCH=ON -DSESS_TESTS=$tests \
      ${architectures:+-DSESS_CUDA_ARCHITECTURES='$architectures'} && cmake --build '$build' --parallel && echo built in '$build'"
  fi
  local test=$build/native/test/native_test
  if [[ -x $test ]]; then
    step 'native tests' bash -c "'$test' --gtest_brief=1 | grep -E 'ran\.|PASSED|FAILED' | tr '\n' ' '; exit \${PIPESTATUS[0]}"
  else
    note 'native tests' skipped 'native_test was not built: GoogleTest and Google Benchmark are not here'
  fi
}

# Why there is nothing to do on a device; empty where there is one.
device_fault() {
  [[ -x $build/native/bench/gpu/gpu_bench ]] || { echo 'gpu_bench was not built'; return; }
  has nvidia-smi || { echo 'there is no nvidia-smi, so no driver'; return; }
  nvidia-smi -L 2>/dev/null | grep -q GPU || echo 'nvidia-smi lists no GPU'
}

on_device() {
  local bench=$build/native/bench/gpu/gpu_bench test=$build/native/test/native_test
  step 'native benchmark' bash -c "'$bench' >'$work/bench.json' && grep -o '\"device\": \"[^\"]*\"' '$work/bench.json'"
  step 'two processes at once' bash -c "'$bench' >'$work/a' & '$bench' >'$work/b'; b=\$?; wait \$! && exit \$b"
  step 'memory flat over 200 runs' bash -c "grep -o '\"memory\": {[^}]*}' '$work/bench.json' | tee /dev/stderr |
    sed 's/[^0-9 ]//g' | { read -r _ first last; [[ \$first == \"\$last\" ]]; }"
  step 'a killed process leaves nothing' bash -c "
    used() { nvidia-smi --query-compute-apps=pid --format=csv,noheader | wc -l; }
    before=\$(used); '$bench' >/dev/null & sleep 3; kill -9 \$!; wait \$! 2>/dev/null; sleep 2
    echo \"processes on the device: \$before before, \$(used) after\"; [[ \$(used) -le \$before ]]"
  if has compute-sanitizer && [[ -x $test ]]; then
    for tool in memcheck racecheck initcheck synccheck; do
      step "compute-sanitizer $tool" compute-sanitizer --tool $tool --error-exitcode 9 "$test" \
        --gtest_brief=1 --gtest_filter='-ThreadPool*:JobQueue*:Normal*:Backend*:CudaKernels*'
    done
  else
    note compute-sanitizer skipped 'it is not on PATH, or there is no native_test'
  fi
}

end_to_end() {
  local ort=${SESS_ORT_CUDA_DIR:-} model=$build/native/bench/gpu/gpu_model
  if [[ -n $ort && -n ${SESS_GPU_MODEL:-} && -x $model ]]; then
    for precision in fp32 tf32; do
      step "bare model, $precision" bash -c "'$model' '$ort/libonnxruntime.so.1' '$SESS_GPU_MODEL' $precision | tee '$work/model-$precision.json'"
    done
  else
    note 'bare model' skipped 'SESS_ORT_CUDA_DIR or SESS_GPU_MODEL is not set, or gpu_model was not built'
  fi
  if [[ -z $ort ]]; then
    note 'end to end' skipped 'SESS_ORT_CUDA_DIR is not set'
  elif ! has node || [[ ! -d node_modules ]]; then
    note 'end to end' skipped 'there is no node, or no node_modules'
  else
    export SESS_ORT_LIBRARY=$ort/libonnxruntime.so.1
    step 'addon and dist' node scripts/setup.mjs
    step 'goldens on the device' env SESS_DEVICE=cuda npx vitest run test/explainer.test.ts test/methods/goldens.test.ts
    for precision in fp32 tf32; do
      step "explain over the bare model, $precision" node bench/explain.mjs --device cuda --precision $precision \
        ${SESS_GPU_MODEL:+--model "$SESS_GPU_MODEL"} --json "$work/explain-$precision.json"
    done
    if has nsys; then
      step 'copies counted' bash -c "nsys profile -o '$work/trace' node dist/cli/main.js explain docs/photos/both.jpg \
        --device cuda -o '$work/map.npy' && nsys stats -r cuda_gpu_mem_size_sum --format csv '$work/trace.nsys-rep' | tail -n 4 | tr '\n' ' '"
    else
      note 'copies counted' skipped 'nsys is not on PATH'
    fi
  fi
}

# The steps, the native benchmark and the end-to-end rows as one JSON object.
write_results() {
  local file
  file=$results/gpu-$(date -u +%Y%m%d-%H%M%S).json
  mkdir -p "$results"
  {
    printf '{\n"date": "%s",\n"commit": "%s",\n"steps": [\n' "$(date -u +%FT%TZ)" "$(git rev-parse HEAD 2>/dev/null)"
    sed 's/\\/\\\\/g; s/"/\\"/g' "$work/steps" |
      awk -F'\t' '{ printf "%s{\"step\": \"%s\", \"result\": \"%s\", \"detail\": \"%s\"}", (NR > 1 ? ",\n" : ""), $1, $2, $3 }'
    printf '\n],\n"native": '
    cat "$work/bench.json" 2>/dev/null || printf null
    for precision in fp32 tf32; do
      for what in model explain; do
        printf ',\n"%s_%s": ' "$what" "$precision"
        cat "$work/$what-$precision.json" 2>/dev/null || printf null
      done
    done
    printf '\n}\n'
  } >"$file"
  echo "$file"
}

native
fault=$(device_fault)
if [[ -n $fault ]]; then
  for what in 'native benchmark' 'two processes at once' 'memory flat over 200 runs' compute-sanitizer 'end to end'; do
    note "$what" skipped "$fault"
  done
else
  on_device
  end_to_end
fi
printf '%s\n' "${rows[@]}"
if [[ -s $work/bench.json ]]; then
  sed -n 's/.*"op": "\([^"]*\)", "ms": \([^,]*\).*"GB_per_s": \([^,]*\), "share_of_copy": \([^}]*\)}.*/\1|\2|\3|\4/p' \
    "$work/bench.json" | awk -F'|' '{ printf "%-52s %10.4f ms %8.1f GB/s %6.1f %% of the copy\n", $1, $2, $3, 100 * $4 }'
fi
[[ -z $fault ]] && write_results
exit $failed
