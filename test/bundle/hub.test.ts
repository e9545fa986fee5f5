import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { verify } from '../../src/bundle/verify.ts'
import { Explainer } from '../../src/explainer.ts'
import { answer, serve, TestServer } from '../models/server.ts'
import { modelBytes } from '../onnx/models.ts'
import { bad, Case, detail, named, spec } from './case.ts'

const files: Readonly<Record<string, Buffer>> = {
  'config.json': Buffer.from(JSON.stringify({ id2label: { 0: 'a', 1: 'b', 2: 'c', 3: 'd', 4: 'e' } })),
  'preprocessor_config.json': Buffer.from(
    JSON.stringify({ image_mean: [0.5, 0.4, 0.3], image_std: [0.3, 0.2, 0.1], size: { height: 12, width: 16 } }),
  ),
  'onnx/model.onnx': Buffer.from(modelBytes(spec)),
}

let made: Case
beforeEach(async () => {
  made = await Case.make()
  vi.stubEnv('SESS_CACHE', made.at('cache'))
  for (const name of ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY', 'HF_TOKEN']) vi.stubEnv(name, '')
})
afterEach(() => {
  vi.unstubAllEnvs()
  made.remove()
})

it('a bundle of a model of a hub names it by its id, and verify asks no network', async () => {
  await using server = await TestServer.start((request, response) => {
    const found = files[(request.url ?? '').replace('/org/name/resolve/main/', '')]
    return (found === undefined ? answer(404) : serve(found))(request, response)
  })
  vi.stubEnv('HF_ENDPOINT', server.url)
  const explainer = await Explainer.load('hf:org/name')
  const explanation = await explainer.explain(made.at('photo.png'), { scales: 2 })
  await explainer.dispose()
  const bundle = made.at('out.sess')
  await explanation.toBundle(bundle)
  expect(made.read().model).toMatchObject({
    id: 'hf:org/name',
    file: { name: 'model.onnx' },
    stated: { preprocess: { mean: [0.5, 0.4, 0.3], std: [0.3, 0.2, 0.1] } },
  })
  expect(made.read().model).not.toHaveProperty('path')
  const asked = server.asked.length
  expect(bad(await verify(bundle))).toEqual([])

  const preprocessor = join(made.at('cache/hub/org/name@main'), 'preprocessor_config.json')
  writeFileSync(preprocessor, JSON.stringify({ image_mean: [0.5, 0.5, 0.5], image_std: [0.3, 0.2, 0.1] }))
  const found = await verify(bundle)
  expect(bad(found)).toContain('manifest.preprocess')
  expect(found.map?.maximum).toBe(0)

  rmSync(made.at('cache'), { recursive: true })
  const gone = await verify(bundle)
  expect(named(gone, 'missing')).toEqual(['model', 'map'])
  expect(detail(gone, 'model')).toMatch(/sess models pull hf:org\/name/)
  expect(server.asked).toHaveLength(asked)
})
