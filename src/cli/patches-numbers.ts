import { versions } from '../versions.ts'
import { modelNumbers } from './model-numbers.ts'
import type { PatchesRun } from './patches.ts'

/** The form's version; it rises when a key changes its meaning or goes. */
const numbersSchema = 1

/** What a `.json` holds: the runs, and of each its scales and windows, one a line; `run` is the place in `runs`. */
export async function patchesNumbers(input: string, runs: readonly PatchesRun[]) {
  return {
    schema: numbersSchema,
    image: { name: input, ...runs[0]?.patches.photo },
    runs: runs.map(runNumbers),
    scales: runs.flatMap(({ patches }, run) =>
      patches.robustness.scales.map((scale, level) => ({ run, level, ...scale })),
    ),
    windows: runs.flatMap(({ patches }, run) =>
      patches.windows.map((window) => ({ run, scale: patches.scales[window.level]?.scale, ...window })),
    ),
    versions: await versions(),
  }
}

function runNumbers({ patches, info, nonfinite, forwards, timings }: PatchesRun) {
  const { method, layer, target, against, options, robustness, windows } = patches
  const { best, peak, atPeak } = robustness
  return {
    model: modelNumbers(info),
    ...{ method, layer, target, against, best, peak, atPeak },
    ...{ windows: windows.length, nonfinite, forwards, timings, options },
  }
}
