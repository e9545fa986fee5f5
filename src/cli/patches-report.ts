import { basename } from 'node:path'
import type { Report } from '../report/report.ts'
import { commandLine } from '../report/run-again.ts'
import { colourOptions } from './arguments.ts'
import { methodArguments } from './method-arguments.ts'
import { colourFlags, modelFlags } from './origin.ts'
import type { PatchesRun } from './patches.ts'
import type { PatchesArguments } from './patches-arguments.ts'

/** A page on which every model's and method's map and windows can be looked at. */
export function patchesReport(
  input: string,
  runs: readonly PatchesRun[],
  output: string,
  options: PatchesArguments,
): Report | undefined {
  const shown = runs.flatMap(({ explanation, info, origin }) => (explanation ? [{ explanation, info, origin }] : []))
  const [first, ...beside] = shown
  const { target, against, method, scales, step, preFilter, theta, fusion, smooth, antialias, batch } = options
  const windows = { scales, step, preFilter, theta, fusion, smooth, antialias, batch }
  const { layer, maxWindows, maxPixels, perScale } = options
  const command = commandLine('patches', input, {
    ...modelFlags(options),
    ...{ layer, target, against, method, ...windows, maxWindows, maxPixels, perScale },
    ...methodArguments(options),
    ...colourFlags(options),
    output,
  })
  const said = { title: basename(input), ...colourOptions(options), beside, command }
  return first?.explanation.report({ ...said, info: first.info, origin: first.origin })
}
