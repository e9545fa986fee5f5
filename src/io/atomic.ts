import { randomUUID } from 'node:crypto'
import { constants, rmSync } from 'node:fs'
import { access, chmod, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, extname, join, resolve } from 'node:path'
import { SessError } from '../error.ts'
import { throwIfAborted } from './abort.ts'

/** What a file is made of: its bytes, in parts that are not joined in memory, or a function that writes it to a path. */
export type FileContent = string | Uint8Array | readonly Uint8Array[] | ((path: string) => Promise<unknown>)

/** Temporary files of writes under way in this process. */
const pending = new Set<string>()

/**
 * Writes beside `path` under a hidden temporary name with the same extension, then renames: whoever looks at
 * `path` sees the old file or the whole new one. A symbolic link stays and its target is replaced.
 */
export async function writeAtomically(
  path: string,
  content: FileContent,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const { signal } = options
  throwIfAborted(signal)
  await checkWritable(path)
  const target = await realpath(path).catch(() => resolve(path))
  const temporary = join(dirname(target), `.sess-${randomUUID()}${extname(target)}`)
  pending.add(temporary)
  try {
    if (typeof content === 'function') await content(temporary)
    else await writeFile(temporary, content, { signal })
    throwIfAborted(signal)
    const old = await stat(target).catch(() => undefined)
    if (old !== undefined) await chmod(temporary, old.mode & 0o7777)
    await rename(temporary, target)
  } catch (cause) {
    await rm(temporary, { force: true })
    throwIfAborted(signal)
    if (cause instanceof SessError) throw cause
    throw unwritable(path, `cannot be written (${cause instanceof Error ? cause.message : cause})`, cause)
  } finally {
    pending.delete(temporary)
  }
}

/** Refuses early what a write at the end of minutes of work would run into. */
export async function checkWritable(path: string): Promise<void> {
  const folder = dirname(resolve(path))
  const parent = await stat(folder).catch((cause) => {
    throw unwritable(path, `cannot be written: the folder ${folder} does not exist`, cause)
  })
  if (!parent.isDirectory()) throw unwritable(path, `cannot be written: ${folder} is not a folder`)
  await access(folder, constants.W_OK | constants.X_OK).catch((cause) => {
    throw unwritable(path, `cannot be written: the folder ${folder} is write-protected`, cause)
  })
  const old = await stat(path).catch(() => undefined)
  if (old === undefined) return
  if (old.isDirectory()) throw unwritable(path, 'is a folder')
  if (!old.isFile()) throw unwritable(path, 'is not a regular file')
  await access(path, constants.W_OK).catch((cause) => {
    throw unwritable(path, 'is write-protected', cause)
  })
}

/** Last resort of a process that is about to exit: no temporary file stays behind. */
export function removePendingFiles(): void {
  for (const path of pending) rmSync(path, { force: true })
  pending.clear()
}

function unwritable(path: string, what: string, cause?: unknown): SessError {
  return new SessError('OUTPUT_UNWRITABLE', `${path} ${what}. Choose another place with -o.`, { cause })
}
