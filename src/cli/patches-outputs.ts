import { dirname, extname, join } from 'node:path'
import { checkWritable } from '../io/atomic.ts'
import { type SheetOutput, sheetOutput } from './one-image.ts'
import { refuseCollisions, stem } from './outputs.ts'
import type { PatchesArguments } from './patches-arguments.ts'
import { modelsOf } from './patches-runs.ts'

/** One file: the numbers, or a page of the figure, from 0. */
export type PatchesOutput = { readonly path: string } & (
  | { readonly kind: 'numbers' | 'report' }
  | { readonly kind: 'page'; readonly page: number }
)

/** Which files a figure on one page would be written to: what -o says, before any model is loaded. */
export async function namedOutputs(input: string, options: PatchesArguments): Promise<readonly SheetOutput[]> {
  const beside: SheetOutput = { kind: 'sheet', path: join(dirname(input), `${stem(input)}.patches.png`) }
  const outputs = options.output.length === 0 ? [beside] : options.output.map((path) => sheetOutput(path))
  await refuseOverwriting(input, outputs, options)
  return outputs
}

/** Where there are several pages, `NAME.1.png`, `NAME.2.png` and so on, none of which is another file that is read or written. */
export async function pagedOutputs(
  input: string,
  named: readonly SheetOutput[],
  pages: number,
  options: PatchesArguments,
): Promise<readonly PatchesOutput[]> {
  const outputs = named.flatMap(({ kind, path }): readonly PatchesOutput[] =>
    kind !== 'sheet'
      ? [{ kind, path }]
      : Array.from({ length: pages }, (_, page) => ({ kind: 'page', path: pagePath(path, page, pages), page })),
  )
  if (pages === 1) return outputs
  await refuseOverwriting(input, outputs, options)
  for (const { path } of outputs) await checkWritable(path)
  return outputs
}

function pagePath(path: string, page: number, pages: number): string {
  const extension = extname(path)
  return pages === 1 ? path : `${path.slice(0, path.length - extension.length)}.${page + 1}${extension}`
}

async function refuseOverwriting(
  input: string,
  outputs: readonly { readonly path: string }[],
  options: PatchesArguments,
): Promise<void> {
  const planned = [{ input, paths: outputs.map(({ path }) => path) }]
  for (const model of modelsOf(options)) await refuseCollisions(planned, { model, labels: options.labels })
}
