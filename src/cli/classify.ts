import type { Explainer } from '../explainer.ts'
import { encodeJson } from '../io/json.ts'
import { printable } from '../printable.ts'
import type { ClassifyArguments } from './arguments.ts'
import { type Context, loadExplainer, reportFailure } from './context.ts'
import { combinedStatus, failureJson, stopsTheRun } from './failure.ts'

/** `sess classify`: labels and probabilities of the whole image. */
export async function classify(
  inputs: readonly string[],
  options: ClassifyArguments,
  context: Context,
): Promise<number> {
  const explainer = await loadExplainer(context, options)
  const failures: unknown[] = []
  try {
    for (const input of inputs) {
      try {
        await classifyOne(explainer, input, { heading: inputs.length > 1 }, options, context)
      } catch (error) {
        if (stopsTheRun(error)) throw error
        failures.push(error)
        reportFailure(context, options, error, input)
        if (options.json) context.stdout.write(`${failureJson(input, error)}\n`)
      }
    }
  } finally {
    await explainer.dispose()
  }
  return combinedStatus(failures, inputs.length)
}

async function classifyOne(
  explainer: Explainer,
  input: string,
  layout: { readonly heading: boolean },
  { top, maxPixels, json }: ClassifyArguments,
  { stdout, signal }: Context,
): Promise<void> {
  const classes = await explainer.classify(input, { top, maxPixels, signal })
  if (json) {
    stdout.write(`${encodeJson({ image: { name: input }, model: { id: explainer.info.model }, classes })}\n`)
    return
  }
  const digits = String(Math.max(...classes.map(({ index }) => index))).length
  const lines = classes.map(
    ({ index, label, probability }) =>
      `${(probability * 100).toFixed(2).padStart(6)} %  ${String(index).padStart(digits)}${label === undefined ? '' : `  ${label}`}`,
  )
  stdout.write([...(layout.heading ? [input] : []), ...lines].map((line) => `${printable(line)}\n`).join(''))
}
