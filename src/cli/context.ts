import type { Explainer } from '../explainer.ts'
import type { LoadOptions } from '../options.ts'
import { printable } from '../printable.ts'
import { type CommonArguments, deviceOf, type ModelArguments } from './arguments.ts'
import { failureText } from './failure.ts'
import { downloadBar } from './models-progress.ts'

/** What a command sees of the process around it; tests put their own in its place. */
export interface Context {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  readonly load: (model: string, options: LoadOptions) => Promise<Explainer>
}

/** Loads the model that the options name, and says once what had to be assumed about it. */
export async function loadExplainer(context: Context, options: ModelArguments & CommonArguments): Promise<Explainer> {
  const {
    model,
    device = deviceOf(context.env),
    precision,
    threads,
    layer,
    tokens,
    mean,
    std,
    labels,
    activation,
  } = options
  const { signal } = context
  const bar = downloadBar(context, model, options)
  const explainer = await context
    .load(model, {
      device,
      precision,
      threads,
      layer,
      tokens,
      mean,
      std,
      labels,
      activation,
      signal,
      onProgress: bar.update,
    })
    .finally(bar.stop)
  const { device: used } = explainer.info
  if (used.type === 'cpu' && used.fallback !== undefined) {
    note(context, options, `the processor is used, not the GPU: ${used.fallback}.`)
  }
  if (explainer.info.preprocessing.inferred) {
    note(
      context,
      options,
      `nothing states mean and std of ${explainer.info.model}: ImageNet's are taken (--mean, --std).`,
    )
  }
  if (explainer.info.precision === 'float16' && precision !== 'fp16') {
    note(
      context,
      options,
      `${explainer.info.model} is in float16: its weights are cast, and all is computed in float32.`,
    )
  }
  return explainer
}

/** A line on stderr. */
export function note(context: Context, options: { readonly quiet: boolean }, sentence: string): void {
  if (!options.quiet) context.stderr.write(`sess: ${printable(sentence)}\n`)
}

export function reportFailure(context: Context, options: CommonArguments, error: unknown, input?: string): void {
  context.stderr.write(failureText(error, { ...(input !== undefined && { input }), verbose: options.verbose }))
}
