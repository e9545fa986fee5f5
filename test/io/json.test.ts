import { expect, it } from 'vitest'
import { encodeJson, encodeNumbers } from '../../src/io/json.ts'

const numbers = {
  versions: { 'sess-saliency': '1.2.3' },
  image: { name: 'a.png', width: 3, height: 2 },
  model: { id: 'm' },
  target: { index: 4, label: undefined, logit: Number.NaN, probability: 0.25 },
  method: 'grad-cam',
  options: { step: [1, 2], signal: undefined },
  plan: { scales: [224, 288], levels: [{ height: 1, width: 2 }], forwards: 2 },
  nonfinite: [],
  forwards: 3,
  windows: [
    { index: 0, probability: Number.POSITIVE_INFINITY, kept: true },
    { index: 1, probability: 0.5, kept: false },
  ],
  topWindows: [{ index: 0, share: 1 }],
  objectThreshold: undefined,
  objects: undefined,
  timings: { total: 1.5 },
}

it('the numbers have the keys of the contract in their order, and null for what is no number', () => {
  const back = JSON.parse(encodeNumbers(numbers))
  expect(Object.keys(back)).toEqual([
    'schema',
    'image',
    'model',
    'target',
    'method',
    'options',
    'plan',
    'windows',
    'topWindows',
    'nonfinite',
    'forwards',
    'timings',
    'versions',
  ])
  expect(back).toMatchObject({
    schema: 1,
    target: { index: 4, logit: null, probability: 0.25 },
    options: { step: [1, 2] },
    plan: numbers.plan,
    windows: [{ probability: null }, { index: 1 }],
    versions: numbers.versions,
  })
})

it('the numbers have objects only where they were asked for', () => {
  const back = JSON.parse(encodeNumbers({ ...numbers, objectThreshold: 0.5, objects: [{ pixels: 3 }] }))
  expect(back).toMatchObject({ objectThreshold: 0.5, objects: [{ pixels: 3 }], topWindows: [{ index: 0, share: 1 }] })
})

it('the numbers have one window a line', () => {
  const lines = encodeNumbers(numbers).split('\n')
  expect(lines).toContain('    {"index":1,"probability":0.5,"kept":false}')
  expect(lines).toContain('    "scales": [224,288],')
  expect(lines.at(-1)).toBe('')
})

it.each([
  [{}, {}],
  [{ a: [] }, { a: [] }],
  [[], []],
])('nothing in it is still JSON', (windows, expected) => {
  const back = JSON.parse(encodeNumbers({ ...numbers, options: windows }))
  expect(back.options).toEqual(expected)
})

it('what steers a terminal is escaped, and reads back as it was', () => {
  const names = { 'a\x9b': '\x1b[31m\x7f\x80\x9f\u2028\u202e\u2066\u2069', plain: 'é漢\u200d' }
  expect(encodeJson(names)).toMatch(/^[^\p{Cc}\u2028-\u202e\u2066-\u2069]+$/u)
  expect(JSON.parse(encodeJson(names))).toEqual(names)
})

it('typed arrays become arrays, numbers that JSON has not become null', () => {
  expect(encodeJson({ a: Float32Array.of(0.5, Number.NaN), b: -Infinity, c: undefined })).toBe(
    '{"a":[0.5,null],"b":null}',
  )
})
