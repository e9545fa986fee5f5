import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema, TensorProto_DataLocation } from 'onnx-buf'
import { externalPlace } from '../../dist/onnx/external.js'
import { readFully } from '../../dist/onnx/read-fully.js'

/** A model of the library's as one file, with the weights inside that it reads from others. */
export async function selfContained({ encode, externalFolder }) {
  if (externalFolder === undefined) return encode()
  const proto = fromBinary(ModelProtoSchema, encode())
  const files = new Map()
  try {
    for (const tensor of tensorsOf(proto)) {
      const place = externalPlace(tensor)
      if (place === undefined) continue
      const path = join(externalFolder, place.location)
      const file = files.get(path) ?? (await open(path))
      files.set(path, file)
      const length = place.length || (await file.stat()).size - place.offset
      tensor.rawData = new Uint8Array(await readFully(file, place.offset, length))
      tensor.externalData = []
      tensor.dataLocation = TensorProto_DataLocation.DEFAULT
    }
  } finally {
    for (const file of files.values()) await file.close()
  }
  return toBinary(ModelProtoSchema, proto)
}

function tensorsOf({ graph }) {
  const attributes = graph.node.flatMap((node) => node.attribute)
  return [
    ...graph.initializer,
    ...attributes.flatMap(({ t, tensors }) => (t === undefined ? tensors : [t, ...tensors])),
  ]
}
