import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const folder = resolve(process.env.SESS_SHARED ?? join(root, '../shared'))

/** A path in the folder of reference data beside the repository (or in SESS_SHARED). */
export function shared(path: string): string {
  return join(folder, path)
}

/** Why tests that need the reference data cannot run here, or `undefined`. In CI a missing folder is an error. */
export const sharedMissing: string | undefined = existsSync(folder)
  ? undefined
  : `no reference data at ${folder}; set SESS_SHARED`

if (sharedMissing !== undefined && process.env.CI) throw new Error(sharedMissing)
