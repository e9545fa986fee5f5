import { existsSync } from 'node:fs'
import { extname } from 'node:path'
import { invalidOption } from '../error.ts'
import type { Explainer } from '../explainer.ts'
import { checkWritable } from '../io/atomic.ts'
import { pictureExtensions } from '../render/picture.ts'
import type { CommonArguments, ModelArguments } from './arguments.ts'
import { type Context, loadExplainer, reportFailure } from './context.ts'
import { exitStatus, failureJson } from './failure.ts'
import { OutputFolders } from './outputs.ts'

/** A file of a command that draws one image on a sheet. */
export interface SheetOutput {
  readonly kind: 'sheet' | 'numbers' | 'report'
  readonly path: string
}

/** What `path` asks for by its extension; `elsewhere`: what else `-o` could be. */
export function sheetOutput(path: string, elsewhere = ''): SheetOutput {
  const extension = extname(path).toLowerCase()
  if (extension === '.json') return { kind: 'numbers', path }
  if (extension === '.html') return { kind: 'report', path }
  if ((pictureExtensions as readonly string[]).includes(extension)) return { kind: 'sheet', path }
  throw invalidOption('-o', path, `a name that ends in ${pictureExtensions.join(', ')}, .json, .html${elsewhere}`)
}

/** Does `work` where each of the outputs can be written, in folders that are made; a failure is told, and gives the exit status. */
export async function onOneImage(
  input: string,
  outputs: readonly { readonly path: string }[],
  options: CommonArguments & { readonly output: readonly string[] },
  context: Context,
  work: () => Promise<void>,
): Promise<number> {
  try {
    await using folders = new OutputFolders()
    await folders.make({ output: options.output, map: [] })
    // A missing image is told as such, not as the missing folder of the output beside it.
    if (existsSync(input)) for (const { path } of outputs) await checkWritable(path)
    await work()
    return 0
  } catch (error) {
    reportFailure(context, options, error, input)
    if (options.json) context.stdout.write(`${failureJson(input, error)}\n`)
    return exitStatus(error)
  }
}

/** Does `work` with the model that the options name. */
export async function withExplainer<T>(
  options: ModelArguments & CommonArguments,
  context: Context,
  work: (explainer: Explainer) => Promise<T>,
): Promise<T> {
  const explainer = await loadExplainer(context, options)
  try {
    return await work(explainer)
  } finally {
    await explainer.dispose()
  }
}
