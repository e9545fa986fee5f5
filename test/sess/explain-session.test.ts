import { afterAll, describe, expect, it } from 'vitest'
import { Explainer } from '../../src/explainer.ts'
import { shared, sharedMissing } from '../shared.ts'

describe.skipIf(sharedMissing)('the sessions of a model', () => {
  const both = shared('golden/images/both.png')
  const layers = [11, 12, 13, 10, 9, 8].map((n) => `conv_pw_${n}_relu`)
  let explainer: Explainer | undefined
  afterAll(() => explainer?.dispose())

  it('are closed when many others are asked for, but never under a call that still uses them', async () => {
    explainer = await Explainer.load(shared('models/mobilenet-v1-075-224.onnx'))
    const options = { target: 282, scales: [224, 288] }
    const one = explainer
    const alone = await Promise.all(layers.slice(0, 2).map((layer) => one.explain(both, { ...options, layer })))
    const together = await Promise.all(layers.map((layer) => one.explain(both, { ...options, layer })))
    for (const layer of layers) await one.explain(both, { ...options, layer, sess: false })
    const again = await one.explain(both, { ...options, layer: layers[0] ?? '' })
    expect(again.map.data).toEqual(alone[0]?.map.data)
    expect(together[1]?.map.data).toEqual(alone[1]?.map.data)
  })
})
