# End to end through the library, in Node. Sourced by bench/gpu.sh.

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

bound=1.05 # most time of an explanation of a named class over the bare model's, as bench/gpu/cases.mjs has it

explain_over_bare() {
  local json=$work/explain-$1.json ratio
  node bench/explain.mjs --device cuda --precision "$1" ${SESS_GPU_MODEL:+--model "$SESS_GPU_MODEL"} \
    --json "$json.part" && [[ -s $json.part ]] && mv "$json.part" "$json" || return
  ratio=$(number_in ratio "$json")
  echo "$ratio x: explain $(number_in 'explain ms' "$json") ms, bare $(number_in 'bare ms' "$json") ms in batches of" \
    "$(number_in 'bare batch' "$json"); at most $bound; top-1: $(number_in 'top-1 ratio' "$json") x"
  awk -v ratio="$ratio" -v bound="$bound" 'BEGIN { exit !(ratio > 0 && ratio <= bound) }'
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

in_node() {
  if [[ -z ${SESS_ORT_CUDA_DIR:-} ]]; then
    note 'end to end' skipped 'SESS_ORT_CUDA_DIR is not set'
    return
  elif ! has node || [[ ! -d node_modules ]]; then
    note 'end to end' skipped 'there is no node, or no node_modules'
    return
  fi
  export SESS_ORT_LIBRARY=$SESS_ORT_CUDA_DIR/libonnxruntime.so.1
  step 'addon and dist' addon_and_dist || return
  step 'goldens on the device' goldens
  for precision in fp32 tf32 fp16; do step "explain over the bare model, $precision" explain_over_bare $precision; done
  if has nvidia-smi; then
    step 'memory flat over 200 explains' explains_flat
  else
    note 'memory flat over 200 explains' skipped 'there is no nvidia-smi'
  fi
  if [[ -e $counter ]]; then
    step 'copies counted' copies_counted node bench/gpu/explains.mjs docs/photos/both.jpg
  elif has nsys; then
    step 'copies counted' copies_profiled
  else
    note 'copies counted' skipped 'libcount_copies.so was not built, and nsys is not on PATH'
  fi
}
