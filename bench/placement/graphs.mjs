/** Every graph that is run for a model: of each method, of the head behind its layer, and of the model alone. */
import { createHash } from 'node:crypto'
import { SessError } from '../../dist/error.js'
import { buildExplainModel, readsLayer } from '../../dist/methods/explain-model.js'
import { methodByName, methods } from '../../dist/methods/index.js'
import { buildForwardModel } from '../../dist/onnx/forward-model.js'
import { inHalf } from '../../dist/onnx/half-range.js'
import { buildHeadModel } from '../../dist/onnx/head-model.js'

/** One for each graph, with every name that it goes by; and why methods have none. */
export async function graphsOf(classifier, precision) {
  const inPrecision = precision === 'fp16' ? await inHalf(classifier) : classifier
  const graphs = new Map()
  const refused = {}
  const take = (name, build) => {
    try {
      const model = build()
      if (model === undefined) return
      const bytes = model.encode()
      const key = createHash('sha256').update(bytes).digest('hex')
      const known = graphs.get(key)
      if (known === undefined) graphs.set(key, { names: [name], bytes, externalFolder: model.externalFolder })
      else known.names.push(name)
    } catch (error) {
      if (!(error instanceof SessError)) throw error
      refused[name] = `${error.code}: ${error.message}`
    }
  }
  const forward = () => buildForwardModel(inPrecision)
  take('logits', forward)
  for (const method of methods) {
    const explain = () => buildExplainModel(inPrecision, { method, seeds: ['class'] })
    take(method.name, method.kind === 'masks' && !readsLayer(method) ? forward : explain)
    take(`${method.name} head`, () => {
      const { layerTensor } = explain()
      return layerTensor && buildHeadModel(inPrecision, layerTensor)
    })
  }
  const against = { method: methodByName('grad-cam'), seeds: ['combination'] }
  take('grad-cam --against', () => buildExplainModel(inPrecision, against))
  return { graphs: [...graphs.values()], refused }
}
