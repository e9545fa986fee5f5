import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseBundle } from '../../src/bundle/form.ts'
import { openBundle, sealChecks } from '../../src/bundle/read.ts'
import { Case } from './case.ts'

let made: Case
let whole: string
beforeAll(async () => {
  made = await Case.make()
  await made.bundle()
  whole = JSON.stringify(made.read())
})
afterAll(() => made.remove())

type Content = ReturnType<Case['read']>

describe('bundle.json', () => {
  it('is read as it was written', () => {
    expect(parseBundle(whole, 'x.sess')).toEqual(JSON.parse(whole))
  })

  it('is read with the mark of its encoding before it, as some editors write it', () => {
    expect(parseBundle(`\uFEFF${whole}`, 'x.sess')).toEqual(JSON.parse(whole))
  })

  it.each<[string, string, RegExp]>([
    ['nothing', '', /is not JSON/],
    ['half of it', '{"schema": 1,', /is not JSON/],
    ['a list', '[]', /the whole/],
    ['null', 'null', /the whole/],
    ['deep lists', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, /the whole|is not JSON/],
    ['a deep object', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`, /field|is not JSON/],
  ])('that is %s is refused', (_, json, why) => {
    expect(() => parseBundle(json, 'x.sess')).toThrow(why)
    expect(() => parseBundle(json, 'x.sess')).toThrow(/^x\.sess: bundle\.json/)
  })

  it.each<[string, (content: Content) => void, RegExp]>([
    ['another schema', (c) => (c.schema = 2), /"schema"/],
    ['a missing part', (c) => delete c.plan, /"plan"/],
    ['an unknown field', (c) => (c.photo.owner = 'me'), /field "photo\.owner" is unknown/],
    ['an absolute photo', (c) => (c.photo.path = '/etc/passwd'), /"photo\.path" must be a relative path/],
    ['a photo on a drive', (c) => (c.photo.path = 'C:\\x.png'), /"photo\.path" must be a relative path/],
    ['a path with a NUL', (c) => (c.model.path = 'a\0b'), /"model\.path" must be a relative path/],
    ['an absolute model', (c) => (c.model.path = '\\\\host\\x.onnx'), /"model\.path"/],
    ['a map outside', (c) => (c.map.file = '../photo.png'), /"map\.file"/],
    ['a map elsewhere', (c) => (c.map.file = '/tmp/map.npy'), /"map\.file"/],
    ['windows outside', (c) => (c.windows.file = '../windows.npy'), /"windows\.file"/],
    ['a huge map', (c) => (c.map.height = 1e300), /"map\.height"/],
    ['a map of no pixels', (c) => (c.map.width = 0), /"map\.width"/],
    ['half a pixel', (c) => (c.photo.width = 1.5), /"photo\.width"/],
    [
      'a map larger than the photo',
      (c) => (c.map.height = 1e9),
      /"map\.height" is 1000000000 where photo\.height is 23/,
    ],
    ['a map of another width', (c) => c.map.width++, /"map\.width" is 32 where photo\.width is 31/],
    [
      'a plan of another photo',
      (c) => (c.plan.image.width = 30),
      /"plan\.image\.width" is 30 where photo\.width is 31/,
    ],
    ['a photo of another size', (c) => (c.photo.height = 24), /"map\.height" is 23 where photo\.height is 24/],
    [
      'windows that no plan has',
      (c) => (c.windows.count = 1e9),
      /"windows\.count" is 1000000000 where plan\.windows is/,
    ],
    ['a window beyond the plan', (c) => (c.nonfinite = [c.plan.windows]), /"nonfinite" must be indices of \d+ windows/],
    ['a window twice', (c) => (c.nonfinite = [1, 1]), /"nonfinite" must be indices of \d+ windows, ascending/],
    ['half a window', (c) => (c.nonfinite = [0.5]), /"nonfinite" must be a list of window indices/],
    ['a million windows', (c) => (c.nonfinite = Array(1e6).fill(-1)), /"nonfinite" must be a list of window indices/],
    ['a million scales', (c) => (c.options.scales = Array(1e6).fill(1)), /"options\.scales" must be at most 10000/],
    ['a million weights', (c) => (c.model.external = Array(1e6).fill({})), /"model\.external" .*10000/],
    ['many seals', (c) => (c.seals = { ...Array(2000).fill('1') }), /"seals" must have at most 1000/],
    ['many versions', (c) => (c.versions = { ...Array(2000).fill('1') }), /"versions" must have at most 1000/],
    ['a number as text', (c) => (c.windows.count = '17'), /"windows\.count"/],
    ['a short hash', (c) => (c.map.sha256 = 'abc'), /"map\.sha256" must be 64/],
    ['a hash in capitals', (c) => (c.map.sha256 = c.map.sha256.toUpperCase()), /"map\.sha256" must be 64/],
    ['a zero std', (c) => (c.model.preprocess.std[0] = 0), /"model\.preprocess\.std\.0"/],
    ['a label of half a character', (c) => (c.target.label = '\ud800'), /"target\.label" must be whole Unicode/],
    ['no seals', (c) => delete c.seals, /"seals"/],
    ['a step of 0', (c) => (c.options.step = 0), /options: step is 0/],
    ['an unknown option', (c) => (c.options.stpe = 4), /options: stpe is no option/],
    ['a class by name', (c) => (c.options.target = 'bee'), /options: field "target" is no class index/],
    ['half a class', (c) => (c.options.target = 1.5), /options: target is 1\.5/],
    [
      'a setting that the method has not',
      (c) => (c.options.samples = 5),
      /options: samples is 5, but grad-cam has no such setting.*\. Undo what was changed in bundle\.json, or write/,
    ],
    ['an unknown method', (c) => (c.options.method = 'grab-cam'), /options: method is "grab-cam"; expected one of/],
    ['no method', (c) => delete c.options.method, /options: field "method"/],
    ['a signal', (c) => (c.options.signal = {}), /options: signal is/],
    ['a version of half a character', (c) => (c.versions.node = '\ud83d'), /no canonical form/],
    ['options of half a character', (c) => (c.options.layer = '\udc00'), /no canonical form/],
  ])('with %s is refused, the field named', (_, edit, why) => {
    const content = JSON.parse(whole)
    edit(content)
    expect(() => parseBundle(JSON.stringify(content), 'x.sess')).toThrow(why)
    expect(() => parseBundle(JSON.stringify(content), 'x.sess')).toThrow(
      expect.objectContaining({ code: 'BUNDLE_UNREADABLE' }),
    )
  })
})

it('says what is wrong in few words, whatever the bundle repeats', () => {
  const content = JSON.parse(whole)
  content.photo = { ...content.photo, ...Array(1e5).fill(1) }
  let message = ''
  try {
    parseBundle(JSON.stringify(content), 'x.sess')
  } catch (error) {
    message = error instanceof Error ? error.message : ''
  }
  expect(message).toMatch(
    /^x\.sess: bundle\.json: field "photo\.0" is unknown; .*\.\.\.\. Undo what was changed in bundle\.json, or write/,
  )
  expect(message.length).toBeLessThan(1200)
})

describe('any field', () => {
  /** Ways to each value that is no object, outside the seals. */
  function leaves(value: unknown, way: readonly string[] = []): readonly (readonly string[])[] {
    if (typeof value !== 'object' || value === null) return [way]
    return Object.entries(value).flatMap(([key, inner]) => (key === 'seals' ? [] : leaves(inner, [...way, key])))
  }

  it.each([null, 0, 1, -1, 0.25, 7, 1e300, '', 'x', '../x', true, [], {}, [0], { a: 1 }])(
    'set to %j is named or refused',
    (value) => {
      const ways = leaves(JSON.parse(whole))
      expect(ways.length).toBeGreaterThan(80)
      for (const way of ways) {
        const content = JSON.parse(whole)
        const last = way.at(-1) ?? ''
        const holder = way.slice(0, -1).reduce((inner, key) => inner[key], content)
        if (JSON.stringify(holder[last]) === JSON.stringify(value)) continue
        holder[last] = value
        let named: readonly string[]
        try {
          named = sealChecks(parseBundle(JSON.stringify(content), 'x.sess')).map(({ name }) => name)
        } catch (error) {
          expect(error).toMatchObject({ code: 'BUNDLE_UNREADABLE' })
          continue
        }
        expect(named).toEqual([way.slice(0, 2).join('.')])
      }
    },
  )
})

describe('a folder that is no bundle', () => {
  beforeAll(() => {
    for (const name of ['empty', 'odd/bundle.json', 'link', 'much']) mkdirSync(made.at(name), { recursive: true })
    symlinkSync(made.at('out.sess/bundle.json'), made.at('link/bundle.json'))
    writeFileSync(made.at('much/bundle.json'), ' '.repeat(2 ** 22 + 1))
  })

  it.each<[string, string, RegExp]>([
    ['missing', 'none.sess', /does not exist/],
    ['empty', 'empty', /holds no bundle\.json/],
    ['a file', 'photo.png', /photo\.png: is a file, and a bundle is a folder\. Take a folder/],
    [
      'its own description',
      'out.sess/bundle.json',
      /is the description of a bundle, and the bundle is the whole folder\. Name the folder that it is in, \S+out\.sess\.$/,
    ],
    ['with a folder of that name', 'odd', /no regular file/],
    ['with a link of that name', 'link', /no regular file/],
    ['with far too much', 'much', /too many/],
  ])('is refused: %s', async (_, name, why) => {
    const failure = openBundle(made.at(name), undefined)
    await expect(failure).rejects.toMatchObject({ code: 'BUNDLE_UNREADABLE' })
    await expect(failure).rejects.toThrow(why)
  })
})
