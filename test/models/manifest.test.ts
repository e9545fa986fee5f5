import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseManifest } from '../../src/models/manifest.ts'
import { shared, sharedMissing } from '../shared.ts'

const least = { schema: 1, id: 'm', file: 'm.onnx' }
const full = {
  ...least,
  title: 'A model',
  url: 'https://example.org/m.onnx',
  bytes: 10,
  sha256: 'ab'.repeat(32),
  input: { name: 'x', layout: 'NHWC', channels: 'BGR', height: 32, width: 48 },
  preprocess: { mean: [0, 1, 2], std: [1, 2, 3], scale: 1 },
  logits: 'y',
  layer: 'l',
  activation: 'sigmoid',
  labels: ['a', 'b'],
  licence: 'MIT',
  source: 'here',
}
const parse = (data: unknown) => parseManifest(JSON.stringify(data), 'm.json')

describe('a manifest', () => {
  it.each([
    ['schema, id and file', least],
    ['schema, id and url', { schema: 1, id: 'm', url: 'http://example.org/m' }],
    ['every field', full],
    ['labels in a file below', { ...least, labels: 'names/labels.txt' }],
    ['a name with two dots in it', { ...least, file: 'a..b.onnx' }],
  ])('with %s is taken', (_, data) => expect(parse(data)).toEqual(data))

  it('may start with a byte order mark', () => {
    expect(parseManifest(`\uFEFF${JSON.stringify(least)}`, 'm.json')).toEqual(least)
  })

  it.skipIf(sharedMissing).each(['mobilenet-v1-075-224', 'mobilenet-v2-100-224'])('of %s is taken', (name) => {
    const path = shared(`models/${name}.json`)
    expect(parseManifest(readFileSync(path, 'utf8'), path)).toMatchObject({ id: name, labels: 'imagenet-labels.json' })
  })

  it.each<[string, unknown]>([
    ['schema', { ...least, schema: 2 }],
    ['schema', { id: 'm', file: 'm.onnx' }],
    ['id', { ...least, id: '../m' }],
    ['id', { ...least, id: 7 }],
    ['file', { schema: 1, id: 'm' }],
    ['file', { ...least, file: '../m.onnx' }],
    ['file', { ...least, file: 'a/../../m.onnx' }],
    ['file', { ...least, file: 'a\\..\\m.onnx' }],
    ['file', { ...least, file: '/etc/passwd' }],
    ['file', { ...least, file: 'C:\\m.onnx' }],
    ['file', { ...least, file: '\\\\host\\m.onnx' }],
    ['file', { ...least, file: 'a\0.onnx' }],
    ['file', { ...least, file: 'file:m.onnx' }],
    ['file', { ...least, file: '' }],
    ['labels', { ...least, labels: '../labels.json' }],
    ['labels', { ...least, labels: [] }],
    ['labels', { ...least, labels: { 0: 'a' } }],
    ['url', { ...least, url: 'file:///etc/passwd' }],
    ['bytes', { ...least, bytes: 0 }],
    ['bytes', { ...least, bytes: 2 ** 31 + 1 }],
    ['sha256', { ...least, sha256: 'abc' }],
    ['input.layout', { ...least, input: { layout: 'CHWN' } }],
    ['input.channels', { ...least, input: { channels: 'GBR' } }],
    ['input.height', { ...least, input: { height: 0 } }],
    ['input.height', { ...least, input: { height: 1e9 } }],
    ['input.width', { ...least, input: { width: 1.5 } }],
    ['input.size', { ...least, input: { size: 224 } }],
    ['preprocess.mean', { ...least, preprocess: { mean: [0.5] } }],
    ['preprocess.mean.1', { ...least, preprocess: { mean: [0, null, 0] } }],
    ['preprocess.std.2', { ...least, preprocess: { std: [1, 1, 0] } }],
    ['preprocess.scale', { ...least, preprocess: { scale: '1/255' } }],
    ['activation', { ...least, activation: 'relu' }],
    ['preprocess.mean.0', { ...least, preprocess: { mean: [1e30, 0, 0] } }],
    ['preprocess.std.1', { ...least, preprocess: { std: [1, 1e-30, 1] } }],
    ['preprocess.scale', { ...least, preprocess: { scale: 1e30 } }],
    ['preprocess', { ...least, preprocess: [0.5, 0.5, 0.5] }],
    ['input', { ...least, input: 'x' }],
    ['lables', { ...least, lables: [] }],
    ['layer', { ...least, layer: 7 }],
    ['title', { ...least, title: 'x'.repeat(4097) }],
    ['labels', { ...least, labels: ['a', 7] }],
    ['labels.0', { ...least, labels: ['x'.repeat(4097)] }],
    ['labels', { ...least, labels: new Array(1_000_001).fill('') }],
    ['labels', { ...least, labels: '/etc/passwd' }],
    ['labels', { ...least, labels: 'https://example.org/labels.txt' }],
  ])('is refused by its field %s', (field, data) => {
    const attempt = () => parse(data)
    expect(attempt).toThrow(expect.objectContaining({ code: 'MODEL_UNREADABLE' }))
    expect(attempt).toThrow(`field "${field}"`)
    expect(attempt).toThrow('m.json')
  })

  it.each(['', 'not json', '[]', 'null', '7'])('is not %j', (text) => {
    expect(() => parseManifest(text, 'm.json')).toThrow(expect.objectContaining({ code: 'MODEL_UNREADABLE' }))
  })

  it.each<[string, string]>([
    ['preprocess.mean.0', `{"mean": [1e999, 0, 0]}`],
    ['preprocess.scale', `{"scale": 1e-999}`],
    ['preprocess', `${'['.repeat(1e5)}${']'.repeat(1e5)}`],
    ['preprocess.mean', `{"mean": ${'{"a":'.repeat(1e5)}0${'}'.repeat(1e5)}}`],
    ['preprocess.__proto__', `{"__proto__": {"scale": 1}}`],
  ])('is refused by its field %s where JSON alone can say it', (field, preprocess) => {
    const attempt = () => parseManifest(`{"schema": 1, "id": "m", "file": "m.onnx", "preprocess": ${preprocess}}`, 'm')
    expect(attempt).toThrow(expect.objectContaining({ code: 'MODEL_UNREADABLE' }))
    expect(attempt).toThrow(`field "${field}"`)
  })

  it('names every field that does not fit, on one line', () => {
    const attempt = () => parse({ ...least, bytes: -1, activation: 'relu' })
    expect(attempt).toThrow(/field "bytes" .*; field "activation" /)
    expect(attempt).not.toThrow(/\n/)
  })
})
