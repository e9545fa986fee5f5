import { describe, expect, it } from 'vitest'
import { checkCompareOptions, checkExplainOptions, checkLayersOptions } from '../../src/options.ts'

const instead = 'leave it out, or take a method that'

describe('without a model, what a method does not take is refused', () => {
  it.each<[object, string]>([
    [{ samples: 5 }, `samples is 5, but grad-cam has no such setting: ${instead} has.`],
    [{ method: 'smoothgrad', keep: 0.5 }, `keep is 0.5, but smoothgrad has no such setting: ${instead} has.`],
    [{ method: 'rise', layer: 'l' }, `layer is "l", but rise reads no layer: ${instead} does, such as grad-cam.`],
    [{ method: 'eigen-cam', against: 1 }, `against is 1, but eigen-cam reads no class: ${instead} does.`],
    [
      { method: 'occlusion', against: 'cat' },
      `against is "cat", but occlusion reads the scores of one class: ${instead} reads gradients.`,
    ],
  ])('explain %j', (options, message) => {
    expect(() => checkExplainOptions(options)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', message }))
  })

  it.each<[object, RegExp]>([
    [{ methods: ['cam', 'rise'], samples: 5 }, /^samples is 5, but none of cam, rise has such a setting/],
    [{ methods: ['cam', 'rise'], layer: 'l' }, /^layer is "l", but rise reads no layer/],
    [{ methods: ['cam', 'score-cam'], against: 1 }, /^against is 1, but score-cam reads the scores of one class/],
    [{ methods: ['cam', 'grab-cam'] }, /^method is "grab-cam"; expected one of/],
  ])('compare %j', (options, message) => {
    expect(() => checkCompareOptions(options)).toThrow(message)
  })

  it.each<[object, RegExp]>([
    [{ method: 'gradient' }, /^method is "gradient"; expected one that reads a layer.*gradient reads no layer\.$/],
    [{ method: 'layer-cam', masks: 9 }, /^masks is 9, but layer-cam has no such setting/],
  ])('layers %j', (options, message) => {
    expect(() => checkLayersOptions(options)).toThrow(message)
  })
})

describe('what it takes passes', () => {
  it.each([
    { method: 'guided-grad-cam', layer: 'l', against: 3 },
    { method: 'score-cam', layer: 'l', topChannels: 3 },
    { method: 'occlusion', square: 5, stride: 2 },
    {},
  ])('explain %j', (options) => expect(checkExplainOptions(options)).toEqual(options))

  it('by one of the methods compared, and against others by the default ones that can', () => {
    const one = { methods: ['cam', 'rise'], masks: 5 }
    expect(checkCompareOptions(one)).toEqual(one)
    expect(checkCompareOptions({ against: 3 })).toEqual({ against: 3 })
  })
})
