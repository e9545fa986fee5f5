import { mkdir, realpath, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path'
import { invalidOption, SessError } from '../error.ts'
import { pictureExtensions } from '../render/picture.ts'

type OutputKind = 'overlay' | 'map' | 'numbers' | 'report' | 'bundle'

/** One file, or folder of a bundle, to write for one input and one target. */
export interface Output {
  readonly kind: OutputKind
  readonly path: string
}

/** The files of one input: one list for each target, in the targets' order. */
export interface InputOutputs {
  readonly input: string
  readonly perTarget: readonly (readonly Output[])[]
}

interface Request {
  readonly output: readonly string[]
  readonly map: readonly string[]
  readonly target: readonly string[]
  /** Read as well, and not to be written over. */
  readonly model?: string | undefined
  readonly labels?: string | undefined
}

type Place =
  | { readonly kind: OutputKind; readonly path: string }
  | { readonly kind: OutputKind; readonly folder: string }

/**
 * Which files a run writes, decided before it starts, so that no two results meet in one file and no input is
 * overwritten. `isFolder` says what is there now.
 */
export async function planOutputs(
  inputs: readonly string[],
  request: Request,
  isFolder: (path: string) => Promise<boolean> = isDirectory,
): Promise<readonly InputOutputs[]> {
  const places: Place[] = []
  for (const path of request.output) places.push(await placeOf('-o', path, isFolder))
  for (const path of request.map) places.push(await placeOf('--map', path, isFolder))
  if (inputs.length > 1) {
    for (const place of places) {
      if ('path' in place) {
        throw invalidOption('-o', place.path, `a folder (it ends in / or exists), as there are ${inputs.length} inputs`)
      }
    }
  }
  const marks = targetMarks(request.target)
  const planned = inputs.map((input) => ({
    input,
    perTarget: marks.map((mark) =>
      places.length === 0 ? [beside(input, mark)] : places.map((place) => outputAt(place, input, mark)),
    ),
  }))
  await refuseCollisions(
    planned.map(({ input, perTarget }) => ({ input, paths: perTarget.flat().map(({ path }) => path) })),
    request,
  )
  return planned
}

/** Folders that a run made for its outputs. Disposal takes away those that nothing was written to. */
export class OutputFolders implements AsyncDisposable {
  /** The outermost first. */
  readonly #made: string[] = []

  /** Makes the folders that outputs are to go to; the parent of a file must be there, for it may be mistyped. */
  async make({ output, map }: Pick<Request, 'output' | 'map'>): Promise<void> {
    for (const folder of [...output, ...map].filter(namesFolder)) {
      const first = await mkdir(resolve(folder), { recursive: true }).catch((cause) => {
        const why = `The folder ${folder} cannot be made (${cause.message}). Choose another place with -o.`
        throw new SessError('OUTPUT_UNWRITABLE', why, { cause })
      })
      if (first !== undefined) this.#made.push(...foldersBetween(first, resolve(folder)))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const folder of this.#made.reverse()) await rmdir(folder).catch(() => {}) // not empty, or gone
  }
}

/** `outer`, and each folder on the way from it to `inner`. */
function foldersBetween(outer: string, inner: string): readonly string[] {
  const names = relative(outer, inner).split(sep).filter(Boolean)
  return [outer, ...names.map((_, i) => join(outer, ...names.slice(0, i + 1)))]
}

/** Also with the slash that shells complete a folder's name with. */
export function namesBundle(path: string): boolean {
  return extname(path).toLowerCase() === '.sess'
}

export function namesFolder(path: string): boolean {
  return /[/\\]$/.test(path)
}

async function placeOf(
  flag: '-o' | '--map',
  path: string,
  isFolder: (path: string) => Promise<boolean>,
): Promise<Place> {
  const extension = extname(path).toLowerCase()
  // A bundle that is there is one to replace, not a folder for outputs.
  if (flag === '-o' && namesBundle(path)) return { kind: 'bundle', path: path.replace(/[/\\]+$/, '') }
  if (namesFolder(path) || (await isFolder(path))) return { kind: flag === '--map' ? 'map' : 'overlay', folder: path }
  if (flag === '--map') {
    if (extension !== '.npy') throw invalidOption(flag, path, 'a name that ends in .npy, or a folder')
    return { kind: 'map', path }
  }
  if ((pictureExtensions as readonly string[]).includes(extension)) return { kind: 'overlay', path }
  if (extension === '.npy') return { kind: 'map', path }
  if (extension === '.json') return { kind: 'numbers', path }
  if (extension === '.html') return { kind: 'report', path }
  const known = `${pictureExtensions.join(', ')}, .npy, .json, .html, .sess`
  throw invalidOption(flag, path, `a name that ends in ${known}, or a folder (it ends in / or exists)`)
}

function outputAt(place: Place, input: string, mark: string): Output {
  const { kind } = place
  if ('folder' in place) {
    return { kind, path: join(place.folder, `${stem(input)}.sess${mark}${kind === 'map' ? '.npy' : '.png'}`) }
  }
  const extension = extname(place.path)
  return { kind, path: `${place.path.slice(0, place.path.length - extension.length)}${mark}${extension}` }
}

function beside(input: string, mark: string): Output {
  return { kind: 'overlay', path: join(dirname(input), `${stem(input)}.sess${mark}.png`) }
}

export function stem(input: string): string {
  return basename(input, extname(input))
}

/** What names of several targets' files differ in: nothing for one target, else `.tiger-cat`, `.282`. */
function targetMarks(targets: readonly string[]): readonly string[] {
  if (targets.length <= 1) return ['']
  const seen = new Map<string, number>()
  return targets.map((target) => {
    const slug = target
      .normalize('NFC')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 60)
    const mark = slug === '' ? 'target' : slug
    const times = (seen.get(mark) ?? 0) + 1
    seen.set(mark, times)
    return times === 1 ? `.${mark}` : `.${mark}.${times}`
  })
}

/** Where a path leads, links followed as far as it exists: writing follows them too. */
async function destination(path: string): Promise<string> {
  const full = resolve(path)
  try {
    return await realpath(full)
  } catch {
    const parent = dirname(full)
    return parent === full ? full : join(await destination(parent), basename(full))
  }
}

/** Refuses to write a file twice, or over what is read. */
export async function refuseCollisions(
  planned: readonly { readonly input: string; readonly paths: readonly string[] }[],
  { model, labels }: Pick<Request, 'model' | 'labels'>,
): Promise<void> {
  const read = [...planned.map(({ input }) => input), ...modelFiles(model ?? ''), ...(labels ? [labels] : [])]
  const inputs = new Map<string, string>()
  for (const path of read) inputs.set(await destination(path), path)
  const owners = new Map<string, string>()
  for (const { input, paths } of planned) {
    for (const path of paths) {
      const place = await destination(path)
      const overwritten = inputs.get(place)
      if (overwritten !== undefined)
        throw invalidOption('-o', path, `another file than ${overwritten}, which would be overwritten`)
      const other = owners.get(place)
      if (other === input) throw invalidOption('-o', path, 'each output once')
      if (other !== undefined) {
        throw new SessError(
          'OPTION_INVALID',
          `${other} and ${input} would both be written to ${path}; expected inputs of different names, or one run for each folder.`,
        )
      }
      owners.set(place, input)
    }
  }
}

/** A model's file and the manifest beside it. */
function modelFiles(model: string): readonly string[] {
  return extname(model) === '.onnx' ? [model, `${model.slice(0, -'.onnx'.length)}.json`] : []
}

export async function isDirectory(path: string): Promise<boolean> {
  return await stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  )
}
