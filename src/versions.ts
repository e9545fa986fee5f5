import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** The version of this package. */
export const version: string = require('../package.json').version

/** What a result depends on. ONNX Runtime's is known once the native core is loaded. */
export async function versions(): Promise<Readonly<Record<string, string>>> {
  const [{ runtime }, { default: sharp }] = await Promise.all([import('./native.ts'), import('sharp')])
  return {
    'sess-saliency': version,
    node: process.versions.node,
    onnxruntime: runtime.version,
    sharp: sharp.versions.sharp ?? 'unknown',
    vips: sharp.versions.vips ?? 'unknown',
  }
}
