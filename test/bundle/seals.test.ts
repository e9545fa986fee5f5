import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { brokenSeals, sealsOf } from '../../src/bundle/seals.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('seals', () => {
  it('are of the canonical JSON, field by field', () => {
    expect(sealsOf({ a: { z: { y: 1, x: [1e21, 0.1, -0] }, t: 'ä"\n' }, b: [2, { d: null, c: true }], c: 3 })).toEqual({
      'a.z': sha256('{"x":[1e+21,0.1,0],"y":1}'),
      'a.t': sha256('"ä\\"\\n"'),
      b: sha256('[2,{"c":true,"d":null}]'),
      c: sha256('3'),
    })
  })

  it('know no undefined field, as JSON has none', () => {
    expect(sealsOf({ a: { x: undefined, y: 1 }, b: undefined })).toEqual(sealsOf({ a: { y: 1 } }))
  })

  it('survive JSON', () => {
    const content = { a: { x: 0.1 + 0.2, y: 5e-324, z: 2 ** 53 }, b: '\u2028' }
    expect(brokenSeals(JSON.parse(JSON.stringify(content)), sealsOf(content))).toEqual([])
  })

  it('break where a value changed, came or went', () => {
    const content = { a: { x: 1, y: [1, 2] }, b: 'text' }
    const seals = sealsOf(content)
    expect(brokenSeals({ ...content, b: 'Text' }, seals).map(({ field }) => field)).toEqual(['b'])
    expect(brokenSeals({ ...content, a: { x: 1, y: [2, 1] } }, seals).map(({ field }) => field)).toEqual(['a.y'])
    expect(brokenSeals({ a: content.a }, seals)).toEqual([{ field: 'b', what: expect.stringMatching(/has none/) }])
    expect(brokenSeals({ ...content, c: 1 }, seals)).toEqual([{ field: 'c', what: expect.stringMatching(/never/) }])
  })

  it('are not fooled by names of Object', () => {
    expect(brokenSeals({ a: { constructor: 1 } }, {}).map(({ field }) => field)).toEqual(['a.constructor'])
    expect(brokenSeals({ constructor: 1 }, {}).map(({ field }) => field)).toEqual(['constructor'])
  })
})
