import { randomUUID } from 'node:crypto'
import { constants, renameSync, rmSync } from 'node:fs'
import { access, chmod, mkdir, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, extname, join, resolve } from 'node:path'
import { SessError } from '../error.ts'
import { throwIfAborted } from './abort.ts'

/** What a file is made of: its bytes, in parts that are not joined in memory, or a function that writes it to a path. */
export type FileContent = string | Uint8Array | readonly Uint8Array[] | ((path: string) => Promise<unknown>)

/** Temporary files and folders of writes under way in this process. */
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

/**
 * As `writeAtomically`, for a folder that `fill` writes files into. A folder that is there is replaced where it holds
 * nothing but files that `owns` knows; else it is refused.
 */
export async function writeFolderAtomically(
  path: string,
  fill: (folder: string) => Promise<unknown>,
  options: { readonly owns: OwnedFolder; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { signal, owns } = options
  throwIfAborted(signal)
  await checkFolderWritable(path, owns)
  const target = await realpath(path).catch(() => resolve(path))
  const temporary = join(dirname(target), `.sess-${randomUUID()}`)
  pending.add(temporary)
  try {
    await mkdir(temporary)
    await fill(temporary)
    throwIfAborted(signal)
    await checkFolderWritable(path, owns) // what may have come meanwhile
    const old = await stat(target).catch(() => undefined)
    if (old === undefined) await rename(temporary, target)
    else {
      await chmod(temporary, old.mode & 0o7777)
      await replaceFolder(target, temporary)
    }
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true })
    throwIfAborted(signal)
    if (cause instanceof SessError) throw cause
    throw unwritable(path, `cannot be written (${cause instanceof Error ? cause.message : cause})`, cause)
  } finally {
    pending.delete(temporary)
  }
}

/** What a folder holds that may be replaced as a whole: always `mark`, and perhaps the others. */
export interface OwnedFolder {
  readonly what: string
  readonly mark: string
  readonly names: ReadonlySet<string>
}

/** No system call that Node has swaps two folders: both renames in one turn, so that only a crash comes between. */
async function replaceFolder(target: string, temporary: string): Promise<void> {
  const old = join(dirname(target), `.sess-${randomUUID()}`)
  renameSync(target, old)
  try {
    renameSync(temporary, target)
  } catch (error) {
    renameSync(old, target)
    throw error
  }
  pending.add(old)
  await rm(old, { recursive: true, force: true }).catch(() => {}) // the new one stands
  pending.delete(old)
}

/** `checkWritable` for a folder. */
export async function checkFolderWritable(path: string, { what, mark, names }: OwnedFolder): Promise<void> {
  await checkParent(path)
  const old = await stat(path).catch(() => undefined)
  if (old === undefined) return
  if (!old.isDirectory()) throw unwritable(path, `is there and no ${what}`)
  const entries = await readdir(path).catch((cause) => {
    throw unwritable(path, `may not be read, so that it may be no ${what}`, cause)
  })
  if (!entries.includes(mark)) throw unwritable(path, `is a folder and no ${what}, and is not replaced`)
  const other = entries.find((entry) => !names.has(entry))
  if (other !== undefined)
    throw unwritable(path, `is a ${what} and holds ${other}, which is no part of it, and is not replaced`)
  await checkParent(await realpath(path))
}

/** Refuses early what a write at the end of minutes of work would run into. */
export async function checkWritable(path: string): Promise<void> {
  await checkParent(path)
  const old = await stat(path).catch(() => undefined)
  if (old === undefined) return
  if (old.isDirectory()) throw unwritable(path, 'is a folder')
  if (!old.isFile()) throw unwritable(path, 'is not a regular file')
  await access(path, constants.W_OK).catch((cause) => {
    throw unwritable(path, 'is write-protected', cause)
  })
}

async function checkParent(path: string): Promise<void> {
  const folder = dirname(resolve(path))
  const parent = await stat(folder).catch((cause) => {
    throw unwritable(path, `cannot be written: the folder ${folder} does not exist`, cause)
  })
  if (!parent.isDirectory()) throw unwritable(path, `cannot be written: ${folder} is not a folder`)
  await access(folder, constants.W_OK | constants.X_OK).catch((cause) => {
    throw unwritable(path, `cannot be written: the folder ${folder} is write-protected`, cause)
  })
}

/** Last resort of a process that is about to exit: nothing temporary stays behind. */
export function removePendingFiles(): void {
  for (const path of pending) rmSync(path, { recursive: true, force: true })
  pending.clear()
}

function unwritable(path: string, what: string, cause?: unknown): SessError {
  return new SessError('OUTPUT_UNWRITABLE', `${path} ${what}. Choose another place with -o.`, { cause })
}
