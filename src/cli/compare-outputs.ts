import { dirname, join } from 'node:path'
import { comparedMethods } from '../methods/compared.ts'
import { pictureFormat, refuseTooLarge } from '../render/picture.ts'
import { sheetWidth } from '../render/sheet.ts'
import type { CompareArguments } from './compare-arguments.ts'
import { type SheetOutput, sheetOutput } from './one-image.ts'
import { isDirectory, namesFolder, refuseCollisions, stem } from './outputs.ts'

/** One file of a comparison; `cell`: whose map, by its place in the comparison. */
export type CompareOutput = SheetOutput | { readonly kind: 'map'; readonly path: string; readonly cell: number }

type Request = Pick<CompareArguments, 'output' | 'methods' | 'step' | 'fusion' | 'model' | 'labels'>

/** Which files a comparison writes, decided before it runs: no input is overwritten, and no two files are one. */
export async function planCompareOutputs(input: string, request: Request): Promise<readonly CompareOutput[]> {
  const outputs: CompareOutput[] = []
  for (const path of request.output) {
    if (namesFolder(path) || (await isDirectory(path))) outputs.push(...filesIn(path, request))
    else outputs.push(sheetOutput(path, ', or a folder for sheet, numbers and maps (it ends in /)'))
  }
  const beside = { kind: 'sheet', path: join(dirname(input), `${stem(input)}.compare.png`) } as const
  const planned = outputs.length === 0 ? [beside] : outputs
  for (const { kind, path } of planned) if (kind === 'sheet') refuseTooWide(path, request)
  await refuseCollisions([{ input, paths: planned.map(({ path }) => path) }], request)
  return planned
}

/** Columns are the photo, the base map, and each step and fusion; there are never so many rows, one for each method. */
function refuseTooWide(path: string, { step = [], fusion = [] }: Request): void {
  const columns = 2 + Math.max(1, step.length) * Math.max(1, fusion.length)
  refuseTooLarge(path, pictureFormat(path), sheetWidth(columns))
}

function filesIn(folder: string, request: Request): readonly CompareOutput[] {
  const maps = mapNames(request).map(
    (name, cell) => ({ kind: 'map', path: join(folder, `${name}.npy`), cell }) as const,
  )
  return [
    { kind: 'sheet', path: join(folder, 'sheet.png') },
    { kind: 'numbers', path: join(folder, 'numbers.json') },
    ...maps,
  ]
}

/** In the order of a comparison's cells. Steps and fusions are named where there are several. */
function mapNames({ methods = comparedMethods, step = [], fusion = [] }: Request): readonly string[] {
  const steps = step.length > 1 ? step.map((pixels) => `-step${pixels}`) : ['']
  const fusions = fusion.length > 1 ? fusion.map((mode) => `-${mode}`) : ['']
  const variants = steps.flatMap((ofStep) => fusions.map((ofFusion) => `${ofStep}${ofFusion}`))
  return methods.flatMap((method) => [`${method}-base`, ...variants.map((variant) => `${method}-sess${variant}`)])
}
