import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder for models made in a test. */
export function temporaryModels() {
  const folder = mkdtempSync(join(tmpdir(), 'sess-models-'))
  return {
    /** Path of the written model. */
    write(name: string, bytes: Uint8Array): string {
      const path = join(folder, `${name}.onnx`)
      writeFileSync(path, bytes)
      return path
    },
    remove(): void {
      rmSync(folder, { recursive: true })
    },
  }
}
