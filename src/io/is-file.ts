import { stat } from 'node:fs/promises'

/** Whether a regular file is there, links followed. */
export async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (info) => info.isFile(),
    () => false,
  )
}
