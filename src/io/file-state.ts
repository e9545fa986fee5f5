import { stat } from 'node:fs/promises'

/** What tells that a file was written to. */
export interface FileState {
  readonly path: string
  readonly bytes: number
  readonly modified: number
}

export async function fileState(path: string): Promise<FileState> {
  const { size, mtimeMs } = await stat(path)
  return { path, bytes: size, modified: mtimeMs }
}
