import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { OutputFolders, planOutputs } from '../../src/cli/outputs.ts'

const folders = new Set(['here', 'pictures.png', 'old.sess', '.'])
interface Given {
  readonly output?: string[]
  readonly map?: string[]
  readonly target?: string[]
  readonly model?: string
}

async function paths(inputs: string[], given: Given = {}): Promise<string[][][]> {
  const request = { output: [], map: [], target: [], ...given }
  const planned = await planOutputs(inputs, request, async (path) => folders.has(path))
  return planned.map(({ perTarget }) => perTarget.map((outputs) => outputs.map(({ kind, path }) => `${kind} ${path}`)))
}

describe('one input goes to', () => {
  it.each<[string, Given, string[]]>([
    ['a/photo.jpg', {}, ['overlay a/photo.sess.png']],
    ['photo.tar.gz', {}, ['overlay photo.tar.sess.png']],
    ['photo', {}, ['overlay photo.sess.png']],
    ['p.jpg', { output: ['x.png'] }, ['overlay x.png']],
    ['p.jpg', { output: ['x.JPG', 'y.webp', 'z.jpeg'] }, ['overlay x.JPG', 'overlay y.webp', 'overlay z.jpeg']],
    ['p.jpg', { output: ['x.npy', 'x.json', 'x.html'] }, ['map x.npy', 'numbers x.json', 'report x.html']],
    ['p.jpg', { map: ['x.npy'] }, ['map x.npy']],
    ['p.jpg', { output: ['x.png'], map: ['x.npy'] }, ['overlay x.png', 'map x.npy']],
    ['p.jpg', { output: ['x.sess', 'y.SESS'] }, ['bundle x.sess', 'bundle y.SESS']],
    ['p.jpg', { output: ['old.sess'] }, ['bundle old.sess']],
    ['p.jpg', { output: ['old.sess/'] }, ['bundle old.sess']],
    ['a/p.jpg', { output: ['out/'] }, ['overlay out/p.sess.png']],
    ['a/p.jpg', { output: ['here'] }, ['overlay here/p.sess.png']],
    ['a/p.jpg', { output: ['pictures.png'] }, ['overlay pictures.png/p.sess.png']],
    ['a/p.jpg', { map: ['here'] }, ['map here/p.sess.npy']],
    ['p.jpg', { target: ['tabby'] }, ['overlay p.sess.png']],
  ])('%s %j', async (input, given, expected) => expect(await paths([input], given)).toEqual([[expected]]))
})

describe('several targets', () => {
  it.each<[string[], Given, string[]]>([
    [['tiger cat', '282'], {}, ['overlay p.sess.tiger-cat.png', 'overlay p.sess.282.png']],
    [['a', 'b'], { output: ['x.npy'] }, ['map x.a.npy', 'map x.b.npy']],
    [['a', 'b'], { output: ['x.sess'] }, ['bundle x.a.sess', 'bundle x.b.sess']],
    [['lion, king of beasts', 'Ä 漢/..'], {}, ['overlay p.sess.lion-king-of-beasts.png', 'overlay p.sess.ä-漢.png']],
    [['a b', 'a-b', '...'], {}, ['overlay p.sess.a-b.png', 'overlay p.sess.a-b.2.png', 'overlay p.sess.target.png']],
  ])('%j have names of their own', async (target, given, expected) => {
    const [perTarget] = await paths(['p.jpg'], { ...given, target })
    expect(perTarget?.flat()).toEqual(expected)
  })
})

describe('several inputs', () => {
  it('go to a folder, or each beside itself', async () => {
    const inputs = ['a/p.jpg', 'b/q.jpg']
    expect((await paths(inputs, { output: ['out/'] })).flat(2)).toEqual([
      'overlay out/p.sess.png',
      'overlay out/q.sess.png',
    ])
    expect((await paths(inputs)).flat(2)).toEqual(['overlay a/p.sess.png', 'overlay b/q.sess.png'])
  })

  it.each<[string, string[], Given, RegExp]>([
    ['one file', ['a.jpg', 'b.jpg'], { output: ['x.png'] }, /-o is "x\.png"; expected a folder .*2 inputs/],
    ['one map', ['a.jpg', 'b.jpg'], { map: ['x.npy'] }, /expected a folder/],
    ['one bundle', ['a.jpg', 'b.jpg'], { output: ['old.sess'] }, /expected a folder .*2 inputs/],
    ['two of a name in one folder', ['a/p.jpg', 'b/p.jpg'], { output: ['out/'] }, /a\/p\.jpg and b\/p\.jpg would both/],
    ['two of a stem side by side', ['p.jpg', 'p.png'], {}, /p\.jpg and p\.png would both be written to p\.sess\.png/],
    ['one input twice', ['p.jpg', './p.jpg'], {}, /would both/],
  ])('are refused before the start: %s', async (_, inputs, given, message) => {
    const failure = paths(inputs, given)
    await expect(failure).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(failure).rejects.toThrow(message)
  })
})

describe('an output that cannot be meant', () => {
  it.each<[string, Given, RegExp]>([
    ['no extension', { output: ['x'] }, /-o is "x"; expected a name that ends in \.png/],
    ['another extension', { output: ['x.gif'] }, /\.json, \.html, \.sess, or a folder/],
    ['a bundle as a map', { map: ['x.sess'] }, /--map is "x\.sess"; expected a name that ends in \.npy/],
    ['a picture as a map', { map: ['x.png'] }, /--map is "x\.png"; expected a name that ends in \.npy/],
    ['the input', { output: ['./p.png'] }, /another file than .*p\.png, which would be overwritten/],
    ['the same twice', { output: ['x.png', './x.png'] }, /each output once/],
    ['the same by both names', { output: ['x.npy'], map: ['x.npy'] }, /each output once/],
  ])('is refused: %s', async (_, given, message) => {
    const failure = paths(['p.png'], given)
    await expect(failure).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(failure).rejects.toThrow(message)
  })
})

describe('folders', () => {
  it('named with a slash are made with their parents, others not', async () => {
    const root = mkdtempSync(join(tmpdir(), 'sess-folders-'))
    await new OutputFolders().make({ output: [join(root, 'a/b/'), join(root, 'c/x.png')], map: [join(root, 'd/')] })
    expect(readdirSync(root).sort()).toEqual(['a', 'd'])
    expect(readdirSync(join(root, 'a'))).toEqual(['b'])
    writeFileSync(join(root, 'file'), '')
    const failure = new OutputFolders().make({ output: [join(root, 'file/')], map: [] })
    await expect(failure).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' })
    rmSync(root, { recursive: true })
  })

  it('that were made and stay empty are taken away again, others not', async () => {
    const root = mkdtempSync(join(tmpdir(), 'sess-folders-'))
    mkdirSync(join(root, 'there'))
    {
      await using folders = new OutputFolders()
      await folders.make({ output: ['there/', 'a/b/c/', 'a/d/', 'e/f/'].map((name) => join(root, name)), map: [] })
      writeFileSync(join(root, 'a/d/map.npy'), '')
    }
    expect(readdirSync(root, { recursive: true }).sort()).toEqual(['a', 'a/d', 'a/d/map.npy', 'there'])
    rmSync(root, { recursive: true })
  })
})

describe('links', () => {
  it('are followed where outputs would meet inputs, each other, or the model', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sess-links-'))
    const at = (name: string) => join(folder, name)
    try {
      writeFileSync(at('photo.png'), '')
      symlinkSync(at('photo.png'), at('link.png'))
      mkdirSync(at('d1'))
      symlinkSync(at('d1'), at('d2'))
      await expect(paths([at('photo.png')], { output: [at('link.png')] })).rejects.toThrow(/would be overwritten/)
      await expect(paths([at('link.png')], { output: [at('photo.png')] })).rejects.toThrow(/would be overwritten/)
      const twice = { output: [at('d1/a.npy'), at('d2/a.npy')] }
      await expect(paths([at('photo.png')], twice)).rejects.toThrow(/each output once/)
      const manifest = { output: [at('net.json')], model: at('net.onnx') }
      await expect(paths([at('photo.png')], manifest)).rejects.toThrow(/net\.json, which would be overwritten/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
