import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { type TensorProto, TensorProto_DataType } from 'onnx-buf'
import type { ClassifierGraph } from './classifier.ts'
import { externalPlace } from './external.ts'
import { isWithin } from './half.ts'
import { readFully } from './read-fully.ts'

/** Bytes of weights that are looked at at a time. */
const PIECE = 2 ** 22

/**
 * The same classifier, to be computed in float16. Reads the weights that lie outside the graph once, for those with
 * numbers that float16 does not hold.
 */
export async function inHalf(classifier: ClassifierGraph): Promise<ClassifierGraph> {
  const { initializers, externalFolder } = classifier.graph
  const files = new Map<string, FileHandle>()
  const beyondHalf = new Set<string>()
  try {
    for (const tensor of initializers.values()) {
      const place = externalPlace(tensor)
      if (tensor.dataType !== TensorProto_DataType.FLOAT || place === undefined) continue
      const path = join(externalFolder ?? '', place.location)
      const file = files.get(path) ?? (await open(path))
      files.set(path, file)
      if (!(await isWithinHalf(file, place, tensor))) beyondHalf.add(tensor.name)
    }
  } finally {
    for (const file of files.values()) await file.close()
  }
  return { ...classifier, arithmetic: { kind: 'float16', beyondHalf } }
}

async function isWithinHalf(
  file: FileHandle,
  { offset, length }: { readonly offset: number; readonly length: number },
  tensor: TensorProto,
): Promise<boolean> {
  const bytes = length || tensor.dims.reduce((product, dim) => product * Number(dim), 4)
  for (let done = 0; done < bytes; done += PIECE) {
    const piece = await readFully(file, offset + done, Math.min(PIECE, bytes - done))
    if (!new Float32Array(new Uint8Array(piece).buffer).every(isWithin)) return false
  }
  return true
}
