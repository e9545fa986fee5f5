#!/usr/bin/env bash
# Everything about CUDA that needs a GPU, in one call on a bare host: the native tests on CPU and device, compute-sanitizer,
# the native benchmark (bytes moved as a share of the measured copy), flat memory, two processes at once, and end to end
# through ONNX Runtime, natively and in Node. What cannot be run is told with the reason. A table, row by row, and
# bench/results/gpu-DATE.json, also where it is stopped. Ends with 0, 1 where a step failed, 2 for wrong paths, and 77
# without a device.
#
#   bench/gpu.sh                 builds with cmake and nvcc, and needs GoogleTest for the tests; SESS_ORT_INCLUDE=DIR names
#                                the folder of onnxruntime_cxx_api.h where there is no node_modules
#   SESS_GPU_BUILD=DIR           takes native/test/native_test and native/bench/gpu/* from a build made elsewhere
#   SESS_GPU_MODEL=FILE.onnx     a plain classifier of one float32 input, for the bare model's speed and difference
#   SESS_ORT_CUDA_DIR=DIR        ONNX Runtime of one version: libonnxruntime.so.1, providers_shared and providers_cuda.
#                                With node and node_modules here, end to end runs in Node too (SESS_SHARED: goldens)
#   SESS_GPU_CASES=DIR           cases that bench/gpu/cases.mjs wrote on any machine, for end to end without Node
set -uo pipefail
for path in SESS_GPU_BUILD SESS_GPU_CASES SESS_GPU_MODEL SESS_ORT_CUDA_DIR SESS_ORT_INCLUDE SESS_SHARED; do
  [[ -z ${!path:-} ]] || export "$path=$(realpath -m "${!path}")" # relative to the caller's folder
done
cd "$(dirname "$0")/.." || exit 2
build=${SESS_GPU_BUILD:-$PWD/.cache/gpu} # not under build/, which a rebuild of the addon may empty
bench=$build/native/bench/gpu/gpu_bench
counter=$build/native/bench/gpu/libcount_copies.so
tests=$build/native/test/native_test
results=bench/results/gpu-$(date -u +%Y%m%d-%H%M%S).json
work=$(mktemp -d) || exit 2
failed=0
fault=not-asked # why there is no device; empty where there is one

has() { command -v "$1" >/dev/null 2>&1; }
is_number() { [[ $1 =~ ^[0-9]+$ ]]; }
for part in table native copies cases node; do
  # shellcheck source=/dev/null
  source "bench/gpu/$part.sh"
done
trap finish EXIT

for path in ${SESS_GPU_BUILD:+"$bench"} "${SESS_GPU_CASES:-}" "${SESS_GPU_MODEL:-}" \
  ${SESS_ORT_CUDA_DIR:+"$SESS_ORT_CUDA_DIR/libonnxruntime.so.1"}; do
  [[ -z $path || -e $path ]] || { echo "there is no $path" >&2; exit 2; }
done

if [[ -z ${SESS_GPU_BUILD:-} ]]; then
  if has cmake; then
    step build build_native
  else
    note build skipped 'there is no cmake: build elsewhere and name the folder in SESS_GPU_BUILD'
  fi
fi
if [[ -x $tests ]]; then
  step 'native tests' native_tests
else
  note 'native tests' skipped "there is no $tests that can be run; to be built it needs GoogleTest and Google Benchmark"
fi

# The benchmark itself says whether there is a device: it ends with 77 and the reason where there is none.
if [[ -x $bench ]]; then
  kept "$work/bench.json" "$bench" 2>"$work/fault"
  case $? in
    0) fault= && note 'native benchmark' ok "$(grep -oE '"(device|copy_GB_per_s)": [^,]*' "$work/bench.json" | paste -sd ' ')" ;;
    77) fault=$(tail -n 1 "$work/fault") ;;
    *) fault= && note 'native benchmark' FAILED "$(tail -n 1 "$work/fault")" ;;
  esac
else
  fault="there is no $bench that can be run"
fi
if [[ -n $fault ]]; then
  for what in 'native benchmark' 'pyramid and gather of 12 megapixels' 'two processes at once' 'memory flat over 200 runs' compute-sanitizer \
    'native end to end' 'end to end'; do
    note "$what" skipped "$fault"
  done
else
  on_device
  bare_models
  native_cases
  in_node
  sanitized # last: it takes longest
fi
if [[ -s $work/bench.json ]]; then
  sed -n 's/.*"op": "\([^"]*\)", "ms": \([^,]*\).*"GB_per_s": \([^,]*\), "share_of_copy": \([^}]*\)}.*/\1|\2|\3|\4/p' \
    "$work/bench.json" | awk -F'|' '{ printf "%-52s %10.4f ms %8.1f GB/s %6.1f %% of the copy\n", $1, $2, $3, 100 * $4 }'
fi
((failed)) && exit 1
[[ -z $fault ]] || exit 77
