import { afterAll, beforeAll, expect, it } from 'vitest'
import { type LoadedModel, loadModel } from '../../src/load.ts'
import { methods } from '../../src/methods/index.ts'
import { inHalf } from '../../src/onnx/half-range.ts'
import { ExplainSessions } from '../../src/sess/explain-session.ts'

let loaded: LoadedModel
beforeAll(async () => {
  loaded = await loadModel('tiny200', { device: 'cpu' })
})
afterAll(async () => {
  await loaded.sessions.dispose()
  loaded.device.dispose()
})

it('every method has a session in float16, with float32 at its ends', async () => {
  const sessions = new ExplainSessions(loaded.device, await inHalf(loaded.classifier), 'softmax')
  for (const method of methods) {
    using lease = await sessions.explaining({ method, layer: undefined, seeds: ['class'] })
    const image = lease.session.inputs.find((input) => input.name === lease.imageInput)
    expect(image).toMatchObject({ dtype: 'float32' })
    expect(lease.session.outputs.map(({ dtype }) => dtype)).toEqual(lease.session.outputs.map(() => 'float32'))
  }
  await sessions.dispose()
})
