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
for path in SESS_GPU_BUILD SESS_GPU_MODEL SESS_ORT_CUDA_DIR SESS_SHARED; do
  [[ -z ${!path:-} ]] || export "$path=$(realpath -m "${!path}")" # relative to the caller's folder
done
cd "$(dirname "$0")/.." || exit 2
build=${SESS_GPU_BUILD:-$PWD/.cache/gpu} # not under build/, which a rebuild of the addon may empty
bench=$build/native/bench/gpu/gpu_bench
tests=$build/native/test/native_test
results=bench/results
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
rows=()

# note STEP RESULT DETAIL: a row of the table.
note() {
  local detail=${3//[$'\t\r\n']/ }
  rows+=("$(printf '%-34s %-8s %s' "$1" "$2" "$detail")")
  printf '%s\t%s\t%s\n' "$1" "$2" "$detail" >>"$work/steps"
  [[ $2 != FAILED ]] || failed=1
}

# step NAME COMMAND...: runs it; the last line of its output is the detail. Fails as the command does.
step() {
  local name=$1
  shift
  if ("$@") >"$work/out" 2>&1; then
    note "$name" ok "$(tail -n 1 "$work/out")"
  else
    note "$name" FAILED "$(tail -n 1 "$work/out")"
    tail -n 40 "$work/out" >&2
    return 1
  fi
}

has() { command -v "$1" >/dev/null 2>&1; }
is_number() { [[ $1 =~ ^[0-9]+$ ]]; }

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
  cmake -S . -B "$build" -DSESS_GPU_BENCH=ON -DSESS_TESTS=$with_tests -DSESS_CUDA_ARCHITECTURES="$(architectures)" &&
    cmake --build "$build" --parallel && echo "built in $build for $(architectures)"
}

native_tests() {
  "$tests" --gtest_brief=1 >"$work/tests" 2>&1
  local status=$?
  tail -n 30 "$work/tests" >&2
  ((status == 0)) && grep -q 'PASSED' "$work/tests" && grep -E 'ran\.|PASSED' "$work/tests" | paste -sd ' '
}

# Keeps FILE.json only where the command that writes it succeeds: kept FILE COMMAND...
kept() {
  local file=$1
  shift
  "$@" >"$file.part" && [[ -s $file.part ]] && mv "$file.part" "$file"
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
  step 'two processes at once' two_at_once
  step 'memory flat over 200 runs' memory_flat
  if has nvidia-smi; then
    step 'a killed process leaves nothing' killed_process
  else
    note 'a killed process leaves nothing' skipped 'there is no nvidia-smi'
  fi
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

# An addon that finds the device is kept: making it takes minutes.
addon_and_dist() {
  local finds="import('./dist/native.js').then((n) => process.exit(n.cudaPresence().reason === '' ? 0 : 1))"
  if node -e "$finds" 2>/dev/null; then
    npx tsc -p tsconfig.build.json && echo 'the addon finds the device: kept'
  else
    node scripts/setup.mjs && node -e "$finds" && echo built
  fi
}

# With CI set, a missing folder of reference data is an error, and not a reason to skip.
goldens() {
  node -e "import('./dist/index.js').then(async ({ Explainer }) => {
    const explainer = await Explainer.load('tiny200', { device: 'cuda' })
    console.log(explainer.info.device)
    process.exit(explainer.info.device.type === 'cuda' ? 0 : 1)
  })" && CI=1 SESS_DEVICE=cuda npx vitest run test/explainer.test.ts test/methods/goldens.test.ts \
    --reporter=default --reporter=json --outputFile.json="$work/goldens.json" &&
    node -e "const { numPassedTests, numPendingTests } = JSON.parse(require('fs').readFileSync('$work/goldens.json'))
      console.log(numPassedTests + ' passed, ' + numPendingTests + ' skipped'); process.exit(numPassedTests > 0 ? 0 : 1)"
}

explain_over_bare() {
  node bench/explain.mjs --device cuda --precision "$1" ${SESS_GPU_MODEL:+--model "$SESS_GPU_MODEL"} \
    --json "$work/explain-$1.json.part" && [[ -s $work/explain-$1.json.part ]] &&
    mv "$work/explain-$1.json.part" "$work/explain-$1.json"
}

# What the driver has given out after 10 and after 200 explanations; other programs on the card would show here too.
explains_flat() {
  node -e "const { execFileSync } = require('child_process')
    const query = ['--query-gpu=memory.used', '--format=csv,noheader,nounits']
    const used = () => Number(String(execFileSync('nvidia-smi', query)).split('\n')[0])
    import('./dist/index.js').then(async ({ Explainer }) => {
      const explainer = await Explainer.load('tiny200', { device: 'cuda' })
      let first
      for (let i = 1; i <= 200; i++) {
        await explainer.explain('docs/photos/both.jpg')
        if (i === 10) first = used()
      }
      const last = used()
      console.log('MiB used after 10 explanations: ' + first + ', after 200: ' + last)
      process.exit(last <= first + 8 ? 0 : 1)
    })"
}

# Something goes up, and no more comes down than twice the finished map and a megabyte of scores and peaks.
copies_counted() {
  nsys profile -o "$work/trace" node dist/cli/main.js explain docs/photos/both.jpg --device cuda -o "$work/map.npy" &&
    nsys stats -r cuda_gpu_mem_size_sum --format csv "$work/trace.nsys-rep" >"$work/copies.csv" || return 1
  local most
  most=$((2 * $(stat -c %s "$work/map.npy") + 1000000))
  awk -F, -v most="$most" '
    /^"?Total \(MB\)/ { inside = 1; next }
    inside && /Host-to-Device/ { up += 1e6 * $1 }
    inside && /Device-to-Host/ { down += 1e6 * $1 }
    END {
      printf "%d bytes up, %d down (most: %d)\n", up, down, most
      exit !(up > 0 && down > 0 && down <= most)
    }' "$work/copies.csv"
}

end_to_end() {
  if [[ -n ${SESS_ORT_CUDA_DIR:-} && -n ${SESS_GPU_MODEL:-} && -x $build/native/bench/gpu/gpu_model ]]; then
    for precision in fp32 tf32; do step "bare model, $precision" bare_model $precision; done
  else
    note 'bare model' skipped 'SESS_ORT_CUDA_DIR or SESS_GPU_MODEL is not set, or gpu_model was not built'
  fi
  if [[ -z ${SESS_ORT_CUDA_DIR:-} ]]; then
    note 'end to end' skipped 'SESS_ORT_CUDA_DIR is not set'
  elif ! has node || [[ ! -d node_modules ]]; then
    note 'end to end' skipped 'there is no node, or no node_modules'
  else
    export SESS_ORT_LIBRARY=$SESS_ORT_CUDA_DIR/libonnxruntime.so.1
    step 'addon and dist' addon_and_dist || return
    step 'goldens on the device' goldens
    for precision in fp32 tf32 fp16; do step "explain over the bare model, $precision" explain_over_bare $precision; done
    if has nvidia-smi; then
      step 'memory flat over 200 explains' explains_flat
    else
      note 'memory flat over 200 explains' skipped 'there is no nvidia-smi'
    fi
    if has nsys; then
      step 'copies counted' copies_counted
    else
      note 'copies counted' skipped 'nsys is not on PATH'
    fi
  fi
}

# The steps, the native benchmark and the end-to-end rows as one JSON object.
write_results() {
  local file
  file=$results/gpu-$(date -u +%Y%m%d-%H%M%S).json
  or_null() { if [[ -s $1 ]]; then cat "$1"; else printf null; fi; }
  mkdir -p "$results"
  {
    printf '{\n"date": "%s",\n"commit": "%s",\n"steps": [\n' "$(date -u +%FT%TZ)" "$(git rev-parse HEAD 2>/dev/null)"
    tr -d '\000-\010\013-\037' <"$work/steps" | sed 's/\\/\\\\/g; s/"/\\"/g' |
      awk -F'\t' '{ printf "%s{\"step\": \"%s\", \"result\": \"%s\", \"detail\": \"%s\"}", (NR > 1 ? ",\n" : ""), $1, $2, $3 }'
    printf '\n],\n"native": '
    or_null "$work/bench.json"
    for what in model_fp32 model_tf32 explain_fp32 explain_tf32 explain_fp16; do
      printf ',\n"%s": ' "$what"
      or_null "$work/${what/_/-}.json"
    done
    printf '\n}\n'
  } >"$file"
  echo "$file"
}

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
  note 'native tests' skipped 'native_test was not built: GoogleTest and Google Benchmark are not here'
fi

# The benchmark itself says whether there is a device: it ends with 77 and the reason where there is none.
fault=
if [[ -x $bench ]]; then
  kept "$work/bench.json" "$bench" 2>"$work/fault"
  case $? in
    0) note 'native benchmark' ok "$(grep -o '"device": "[^"]*"' "$work/bench.json")" ;;
    77) fault=$(tail -n 1 "$work/fault") ;;
    *) note 'native benchmark' FAILED "$(tail -n 1 "$work/fault")" ;;
  esac
else
  fault='gpu_bench was not built'
fi
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
[[ -n $fault ]] || write_results
exit $failed
