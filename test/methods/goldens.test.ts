import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Explainer } from '../../src/explainer.ts'
import { expectGoldenMap, goldenImage, kinks, libraryOptions, readGolden } from '../goldens.ts'
import { shared, sharedMissing } from '../shared.ts'

describe.skipIf(sharedMissing)('a base method agrees with the reference', () => {
  let explainer: Explainer
  beforeAll(async () => {
    explainer = await Explainer.load(shared('models/mobilenet-v1-075-224.onnx'))
  })
  afterAll(() => explainer?.dispose())

  it.each([
    'gradcampp_dogs_5',
    'hirescam_dogs_5',
    'xgradcam_dogs_5',
    'layercam_dogs_5',
    'gradient_dogs_5',
    'guided_dogs_5',
    'base_gradcampp',
    'base_layercam',
    'base_scorecam',
    'base_groupcam',
    'scorecam_both_1',
    'groupcam_both_2',
  ])('%s', async (name) => {
    const golden = readGolden(name)
    const { map } = await explainer.explain(goldenImage(golden), libraryOptions(golden))
    expectGoldenMap(map.data, name)
  })

  it.each(['base_gradient', 'base_guided'])('%s, but for units at their kink', async (name) => {
    const golden = readGolden(name)
    const { map, method } = await explainer.explain(goldenImage(golden), libraryOptions(golden))
    expectGoldenMap(map.data, name, kinks)
    expect(method).toBe(golden.options.method)
  })
})
