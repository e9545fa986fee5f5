import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadLabels, parseLabels, resolveTarget } from '../../src/models/labels.ts'
import { shared, sharedMissing } from '../shared.ts'

const labels = [
  'tench',
  'Egyptian cat',
  'tiger cat',
  'crane',
  'tiger',
  'crane',
  'lion, king of beasts',
  'sea lion',
  'Café',
]

describe('a target', () => {
  it.each<[string | number, number]>([
    [0, 0],
    [8, 8],
    ['3', 3],
    ['007', 7],
    ['tench', 0],
    ['TENCH', 0],
    [' tench ', 0],
    ['ench', 0],
    ['egypt', 1],
    ['tiger', 4], // the whole label goes before the part in "tiger cat"
    ['tiger c', 2],
    ['lion', 6], // a synonym goes before the part in "sea lion"
    ['king of beasts', 6],
    ['cafe\u0301', 8], // composed or not
  ])('%j is class %i', (target, index) => expect(resolveTarget(target, labels, 9)).toBe(index))

  it.each<[string, RegExp]>([
    ['crane', /fits 2 classes: crane \(3\); crane \(5\)\. Pass/],
    ['cat', /Egyptian cat \(1\); tiger cat \(2\)/],
  ])('%j is ambiguous', (target, message) => {
    const attempt = () => resolveTarget(target, labels, 9)
    expect(attempt).toThrow(expect.objectContaining({ code: 'TARGET_AMBIGUOUS' }))
    expect(attempt).toThrow(message)
  })

  it('by whole words goes before one inside of a word', () => {
    const animals = ['bullfrog, Rana catesbeiana', 'sea_cat', 'boardwalk', 'skate board']
    expect(resolveTarget('cat', animals, 4)).toBe(1)
    expect(resolveTarget('board', animals, 4)).toBe(3)
    expect(resolveTarget('catesb', animals, 4)).toBe(0)
  })

  it.each<[string | number, RegExp]>([
    [9, /from 0 to 8/],
    ['9', /from 0 to 8/],
    [-1, /from 0 to 8/],
    [1.5, /from 0 to 8/],
    [Number.NaN, /from 0 to 8/],
    ['tensh', /Nearest: tench \(0\)/],
    ['tigger', /Nearest: tiger \(4\), tiger cat \(2\)/],
    ['', /No label fits/],
    ['-1', /No label fits/],
  ])('%j is unknown', (target, message) => {
    const attempt = () => resolveTarget(target, labels, 9)
    expect(attempt).toThrow(expect.objectContaining({ code: 'TARGET_UNKNOWN' }))
    expect(attempt).toThrow(message)
  })

  it('is told by the option that names it', () => {
    for (const [target, message] of [
      ['tensh', /^No label fits against "tensh"\. Nearest/],
      ['cat', /^Against "cat" fits 2 classes/],
      [9, /^Against 9 is not a class/],
    ] as const) {
      expect(() => resolveTarget(target, labels, 9, 'against')).toThrow(message)
    }
    expect(() => resolveTarget('tench', undefined, 5, 'against')).toThrow(/^Against "tench" cannot be looked up/)
  })

  it('without labels is an index', () => {
    expect(resolveTarget('3', undefined, 5)).toBe(3)
    expect(() => resolveTarget('tench', undefined, 5)).toThrow(/no labels: pass an index from 0 to 4.*--labels/)
  })

  it('is never a label beyond the classes', () => expect(() => resolveTarget('Café', labels, 8)).toThrow(/No label/))

  it('lists ten of many classes', () => {
    expect(() => resolveTarget('a', Array(30).fill('a'), 30)).toThrow(/fits 30 classes: .*and 20 more/)
  })

  it.skipIf(sharedMissing)('in ImageNet: both cranes, and the cat of the demo', () => {
    const imagenet = parseLabels(readFileSync(shared('models/imagenet-labels.json'), 'utf8'))
    expect(imagenet).toHaveLength(1000)
    expect(() => resolveTarget('crane', imagenet, 1000)).toThrow(
      /crane wading bird \(134\); crane lifting device \(517\)/,
    )
    expect(() => resolveTarget('maillot', imagenet, 1000)).toThrow(/maillot tights .*maillot swimsuit/)
    expect(resolveTarget('tiger cat', imagenet, 1000)).toBe(282)
    expect(resolveTarget('bull mastiff', imagenet, 1000)).toBe(243)
  })
})

describe('a file of labels', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sess-labels-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each([
    ['["a", "b"]', ['a', 'b']],
    ['\uFEFF ["a"]', ['a']],
    ['a\nb\n', ['a', 'b']],
    ['a\r\nb, c\r\n\r\n', ['a', 'b, c']],
    ['a\n\nb', ['a', '', 'b']],
    ['\uFEFFa', ['a']],
  ])('%j has %j', async (text, expected) => {
    const path = join(folder, 'labels')
    writeFileSync(path, text)
    expect(await loadLabels(path)).toEqual(expected)
  })

  it.each(['', '\n\n', '[]', '{"0": "a"}', '["a", 7]', '["a"'])('%j is OPTION_INVALID', async (text) => {
    const path = join(folder, 'labels')
    writeFileSync(path, text)
    await expect(loadLabels(path)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })

  it('missing is OPTION_INVALID with its name', async () => {
    const failure = loadLabels(join(folder, 'none.txt'))
    await expect(failure).rejects.toMatchObject({ code: 'OPTION_INVALID', cause: { code: 'ENOENT' } })
    await expect(failure).rejects.toThrow(/^labels is ".*none\.txt"; expected a file/)
  })
})
