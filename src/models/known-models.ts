import { readdir } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { distance } from 'fastest-levenshtein'
import { SessError } from '../error.ts'
import { isFile } from '../io/is-file.ts'
import { type Manifest, readManifest } from './manifest.ts'

// Models that are known by an id: a folder of manifests, each `ID.json` or `ID/ID.json`.

/** The manifests that ship with the package. */
export const packageModels = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'models')

/** Whether a name can be an id; `./name` never is. */
export function isId(name: string): boolean {
  return /^[A-Za-z0-9][\w.@-]*$/.test(name) && extname(name) !== '.onnx'
}

/** Where the manifest of an id is; undefined for an id that is not known. */
export async function registryEntry(registry: string, id: string): Promise<string | undefined> {
  for (const path of [join(registry, `${id}.json`), join(registry, id, `${id}.json`)]) {
    if (await isFile(path)) return path
  }
  return undefined
}

/** The ids of a folder; of the package's own unless given. */
export async function registryIds(registry: string = packageModels): Promise<readonly string[]> {
  const entries = await readdir(registry, { withFileTypes: true }).catch(() => [])
  const ids = await Promise.all(
    entries.map(async (entry) => {
      if (entry.isFile()) return extname(entry.name) === '.json' ? [basename(entry.name, '.json')] : []
      return (await isFile(join(registry, entry.name, `${entry.name}.json`))) ? [entry.name] : []
    }),
  )
  return ids.flat().sort()
}

/**
 * The manifest of an id, and where it stands.
 * @throws SessError `MODEL_NOT_FOUND` with the nearest ids where there is none
 */
export async function registryManifest(
  id: string,
  options: { readonly registry?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<{ readonly path: string; readonly manifest: Manifest }> {
  const { registry = packageModels, signal } = options
  const path = isId(id) ? await registryEntry(registry, id) : undefined
  if (path !== undefined) return { path, manifest: await readManifest(path, signal) }
  throw new SessError(
    'MODEL_NOT_FOUND',
    `${id === '' ? 'The empty name' : id} is not the id of a known model${nearest(id, await registryIds(registry))}. See sess models list.`,
  )
}

/** The ids most like a name, for a message. */
export function nearest(wanted: string, ids: readonly string[]): string {
  const byEdits = ids.map((id) => ({ id, edits: id.startsWith(wanted) ? 0 : distance(wanted, id) }))
  const near = byEdits.sort((a, b) => a.edits - b.edits).slice(0, 5)
  return wanted === '' || near.length === 0 ? '' : ` (nearest: ${near.map(({ id }) => id).join(', ')})`
}
