import { basename } from 'node:path'
import type { ComparedCell, Comparison } from '../comparison.ts'
import type { Explainer } from '../explainer.ts'
import { writeAtomically } from '../io/atomic.ts'
import { encodeFile, encodeJson } from '../io/json.ts'
import { writeNpy } from '../io/npy.ts'
import { comparedMethods } from '../methods/compared.ts'
import { type CompareOptions, checkCompareOptions } from '../options.ts'
import { explainedText, percentText } from '../render/class-text.ts'
import { commandLine } from '../report/run-again.ts'
import { versions } from '../versions.ts'
import { colourOptions, scalesFor } from './arguments.ts'
import { cheaperOptions } from './cheaper.ts'
import type { CompareArguments } from './compare-arguments.ts'
import { type CompareOutput, planCompareOutputs } from './compare-outputs.ts'
import { type Context, note } from './context.ts'
import { methodArguments } from './method-arguments.ts'
import { modelNumbers } from './model-numbers.ts'
import { onOneImage, withExplainer } from './one-image.ts'
import { colourFlags, modelFlags, originOf } from './origin.ts'
import { progressBar } from './progress.ts'

/** `sess compare`: several methods on one image, alone and under SESS, as one sheet. */
export async function compare(input: string, options: CompareArguments, context: Context): Promise<number> {
  checkCompareOptions(compareOptions(options)) // before a model is loaded for nothing
  const outputs = await planCompareOutputs(input, options)
  return await onOneImage(input, outputs, options, context, async () => {
    await withExplainer(options, context, (explainer) => compareOne(explainer, input, outputs, options, context))
  })
}

async function compareOne(
  explainer: Explainer,
  input: string,
  outputs: readonly CompareOutput[],
  options: CompareArguments,
  context: Context,
): Promise<void> {
  const { signal } = context
  const asked = compareOptions(options, explainer)
  const bar = progressBar(context, input, options, cheaperOptions(options.methods ?? comparedMethods, options))
  const comparison = await explainer.compare(input, { ...asked, signal, onProgress: bar.update }).finally(bar.stop)
  const numbers = await numbersOf(explainer, input, comparison)
  const sheet = comparison.sheet({ title: basename(input), ...colourOptions(options) })
  for (const output of outputs) {
    if (output.kind === 'map') {
      const cell = comparison.cells[output.cell]
      if (cell !== undefined) await writeNpy(output.path, cell.map, { signal })
    } else if (output.kind === 'sheet') await sheet.toFile(output.path, { signal })
    else if (output.kind === 'report') {
      const command = compareCommand(input, comparison, options, output.path)
      const said = { title: basename(input), origin: originOf(input, options), info: explainer.info, command }
      await comparison.report({ ...colourOptions(options), ...said }).toFile(output.path, { signal })
    } else await writeAtomically(output.path, encodeFile(numbers), { signal })
  }
  const paths = outputs.map(({ path }) => path)
  if (options.json) context.stdout.write(`${encodeJson({ ...numbers, outputs: paths })}\n`)
  const places = options.output.length === 0 ? paths : options.output
  note(context, options, `${input}: ${summary(comparison)} -> ${places.join(', ')}`)
  for (const { method, kind, nonfinite, plan } of comparison.cells) {
    if (nonfinite.length === 0) continue
    const what = `${nonfinite.length} of ${plan.windows.length} windows left out: their logits or maps are not finite`
    note(context, options, `${input}: ${method}, ${kind}: ${what}`)
  }
}

/**
 * What the command line says, without what concerns the process. The layer is the model's: not every method reads one.
 * Without an explainer, scales are as they are written.
 */
function compareOptions(options: CompareArguments, explainer?: Explainer): CompareOptions {
  const { target, against, methods, step: steps, fusion: fusions, preFilter, theta, smooth, antialias } = options
  const { batch, maxWindows, maxPixels } = options
  const scales = scalesFor(options.scales, explainer?.info.input)
  return {
    ...{ target, against, methods, scales, steps, fusions, preFilter, theta, smooth, antialias },
    ...{ batch, maxWindows, maxPixels },
    ...methodArguments(options),
  }
}

/** The line that makes the same comparison: what was said, and the class that it came to. */
function compareCommand(input: string, { target }: Comparison, options: CompareArguments, output: string): string {
  const { against, methods, scales, step, fusion, preFilter, theta, smooth, antialias, layer, batch } = options
  const { maxWindows, maxPixels } = options
  return commandLine('compare', input, {
    ...{ ...modelFlags(options), layer, target: target.index, against, methods, scales, step, fusion },
    ...{ preFilter, theta, smooth, antialias, batch, maxWindows, maxPixels },
    ...methodArguments(options),
    ...{ ...colourFlags(options), output },
  })
}

/** The form's version; it rises when a key changes its meaning or goes. */
const numbersSchema = 1

async function numbersOf(explainer: Explainer, input: string, comparison: Comparison) {
  const { photo, target, against, cells, forwards, seconds } = comparison
  return {
    schema: numbersSchema,
    image: { name: input, ...photo },
    model: modelNumbers(explainer.info),
    target,
    against,
    forwards,
    seconds,
    cells: cells.map(cellNumbers),
    versions: await versions(),
  }
}

function cellNumbers(cell: ComparedCell) {
  const { method, layer, maximum, topShare, probability, seconds, preFilter, nonfinite, plan } = cell
  const { forwards, headForwards, isMost } = cell
  const kind = cell.kind === 'base' ? { kind: cell.kind } : { kind: cell.kind, step: cell.step, fusion: cell.fusion }
  const windows = plan.windows.length
  return {
    ...{ method, ...kind, layer, scales: plan.scales, preFilter, windows, nonfinite: nonfinite.length },
    ...{ forwards, headForwards, isMost, seconds, probability, maximum, topShare },
    options: cell.options,
  }
}

/** Class, probability, how much was compared, and how long that took. */
function summary({ target, against, cells, forwards, seconds }: Comparison): string {
  const methods = new Set(cells.map(({ method }) => method)).size
  const time = seconds.toFixed(seconds < 10 ? 2 : 0)
  const counted = `${cells.length} maps of ${methods} ${methods === 1 ? 'method' : 'methods'}`
  const explained = `${explainedText(target, against)}, ${percentText(target.probability)}`
  return `${explained}, ${counted}, ${forwards} forward passes in ${time} s`
}
