import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decode, imageName, imageSize } from '../../src/io/decode.ts'
import type { ImageSource, Photo, RawImage } from '../../src/io/photo.ts'
import { shared, sharedMissing } from '../shared.ts'

const hostile = (name: string) => shared(`data/hostile/${name}`)

/** The definition of SEMANTICS 1, one sample at a time. */
function onWhite({ data, channels }: Photo): Uint8Array {
  if (channels === 3) return Uint8Array.from(data)
  const out = new Uint8Array((data.length / 4) * 3)
  for (let i = 0; i < data.length / 4; i++) {
    const a = data[4 * i + 3] ?? 0
    for (let c = 0; c < 3; c++) {
      out[3 * i + c] = Math.floor(((data[4 * i + c] ?? 0) * a + 255 * (255 - a) + 127) / 255)
    }
  }
  return out
}

function largestDifference(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length)
  let largest = 0
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs((a[i] ?? 0) - (b[i] ?? 0)))
  return largest
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sess-decode-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe.skipIf(sharedMissing)(`hostile pictures${sharedMissing ? `: ${sharedMissing}` : ''}`, () => {
  it.each([
    ['truncated.jpg', /damaged or incomplete \(.*premature end/],
    ['truncated.png', /damaged or incomplete/],
    ['bad-crc.png', /damaged or incomplete/],
    ['empty.jpg', /is empty/],
    ['text.jpg', /is text, not an image/],
    ['random.png', /is not an image/],
  ])('%s is refused, with its name and the reason', async (name, message) => {
    const failure = decode(hostile(name))
    await expect(failure).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' })
    await expect(failure).rejects.toThrow(message)
    await expect(failure).rejects.toThrow(hostile(name))
  })

  it.each(['bomb-60000x60000.png', 'huge.svg'])('%s is refused from its header', async (name) => {
    const failure = decode(hostile(name))
    await expect(failure).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
    await expect(failure).rejects.toThrow(/limit is 268,000,000.*--max-pixels \(maxPixels/)
    // sharp's own limit is a bit higher and would have another text; the header alone must not have been enough.
    await expect(decode(hostile(name), { maxPixels: 100 })).rejects.toThrow(/limit is 100\./)
  })

  it.each([
    ['one-pixel.png', 1, 1, 3],
    ['strip-1x2000.png', 1, 2000, 3],
    ['strip-3000x20.png', 3000, 20, 3],
    ['black.png', 224, 224, 3],
    ['white.png', 224, 224, 3],
    ['grey.png', 300, 200, 3],
    ['grey16.png', 300, 200, 3],
    ['grey-alpha.png', 300, 200, 4],
    ['palette.png', 300, 200, 3],
    ['alpha-all-clear.png', 300, 200, 4],
    ['cmyk.jpg', 300, 200, 3],
    ['progressive.jpg', 300, 200, 3],
    ['animated.gif', 300, 200, 3],
    ['external.svg', 200, 200, 4],
  ])('%s is %i x %i with %i channels', async (name, width, height, channels) => {
    const photo = await decode(hostile(name))
    expect(photo).toMatchObject({ width, height, channels })
    expect(photo.data.length).toBe(width * height * channels)
  })

  it.each([
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => [`exif-${n}.png`, 'upright.png', 0] as const),
    ['animated.webp', 'upright.png', 0] as const,
    ['name with spaces ä漢.png', 'upright.png', 0] as const,
    ['-leading-dash.png', 'upright.png', 0] as const,
    ['grey16.png', 'grey.png', 1] as const,
    ['grey-alpha.png', 'grey.png', 0] as const,
    ['alpha-all-clear.png', 'white-300x200.png', 0] as const,
  ])('%s has the pixels of %s, flattened, to %i', async (name, as, tolerance) => {
    const [photo, expected] = await Promise.all([decode(hostile(name)), decode(hostile(as))])
    expect([photo.width, photo.height]).toEqual([expected.width, expected.height])
    expect(largestDifference(onWhite(photo), onWhite(expected))).toBeLessThanOrEqual(tolerance)
  })

  it('a CMYK photo has about the colours of the same photo in RGB', async () => {
    const [cmyk, rgb] = await Promise.all([decode(hostile('cmyk.jpg')), decode(hostile('upright.png'))])
    let sum = 0
    for (let i = 0; i < rgb.data.length; i++) sum += Math.abs((rgb.data[i] ?? 0) - (cmyk.data[i] ?? 0))
    // Not inverted (over 90) and not the raw channels: the naive CMYK of the file goes through a press profile here.
    expect(sum / rgb.data.length).toBeLessThan(45)
  })

  it('reads a path, a file URL and bytes alike', async () => {
    const path = hostile('upright.png')
    const bytes = readFileSync(path)
    const expected = await decode(path)
    for (const source of [pathToFileURL(path), bytes, new Uint8Array(bytes)]) {
      expect(largestDifference((await decode(source)).data, expected.data)).toBe(0)
    }
  })

  it.each(['airplane', 'both', 'dogs', 'spider'])('the golden photo %s is its raw PNG samples', async (name) => {
    const path = shared(`golden/images/${name}.png`)
    const photo = await decode(path)
    const plain = await sharp(path).raw().toBuffer()
    expect(largestDifference(photo.data, plain)).toBe(0)
  })
})

describe.skipIf(sharedMissing)('the size from the header', () => {
  it.each([
    ['exif-6.png', { width: 300, height: 200 }],
    ['truncated.jpg', { width: 300, height: 200 }],
    ['animated.gif', { width: 300, height: 200 }],
    ['one-pixel.png', { width: 1, height: 1 }],
  ])('of %s is upright', async (name, size) => expect(await imageSize(hostile(name))).toEqual(size))

  it('of a bomb is refused', async () => {
    await expect(imageSize(hostile('bomb-60000x60000.png'))).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
  })
})

describe('what is not an image file', () => {
  it.each<[string, () => ImageSource, RegExp]>([
    ['a missing file', () => join(folder, 'none.jpg'), /none\.jpg does not exist/],
    ['a path through a file', () => join(import.meta.filename, 'x.jpg'), /does not exist/],
    ['a folder', () => folder, /is a folder/],
    ['a device', () => '/dev/null', /is not a regular file/],
    ['an address as a path', () => 'https://example.org/a.jpg', /is an address, not a file/],
    ['an address', () => new URL('https://example.org/a.jpg'), /is not a file: URL/],
    ['the empty path', () => '', /The empty path names no image/],
    ['no bytes', () => new Uint8Array(0), /is empty/],
    ['some text', () => Buffer.from('hello\n'), /is text/],
    ['a path with a zero byte', () => 'a\0b.png', /cannot be read/],
    ['an LFS pointer', () => Buffer.from('version https://git-lfs.github.com/spec/v1\noid'), /Git LFS pointer/],
    ['nothing at all', () => undefined as never, /neither a path/],
    ['a number', () => 7 as never, /neither a path/],
  ])('%s is IMAGE_UNREADABLE', async (_, source, message) => {
    const failure = decode(source())
    await expect(failure).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' })
    await expect(failure).rejects.toThrow(message)
  })

  it('keeps the cause', async () => {
    await expect(decode(join(folder, 'none.jpg'))).rejects.toMatchObject({ cause: { code: 'ENOENT' } })
  })
})

describe('partial data', () => {
  it.each(['jpeg', 'png', 'webp', 'gif', 'tiff'] as const)('%s cut anywhere is an error', async (format) => {
    const noise = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251)
    const whole = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .toFormat(format)
      .toBuffer()
    await expect(decode(whole)).resolves.toMatchObject({ width: 64, height: 64 })
    for (const share of [0.02, 0.3, 0.6, 0.9]) {
      const part = whole.subarray(0, Math.floor(whole.length * share))
      await expect(decode(part), `${share} of it`).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' })
    }
  })
})

describe('colour', () => {
  const color = { r: 200, g: 30, b: 40 }
  const square = (channels: 3 | 4 = 3) =>
    sharp({ create: { width: 8, height: 8, channels, background: { ...color, alpha: 0.5 } } })

  it.each([
    ['8-bit sRGB', () => square().png()],
    ['8-bit with a Display P3 profile', () => square().withIccProfile('p3').png()],
    ['16-bit', () => square().toColourspace('rgb16').png()],
    ['16-bit with a Display P3 profile', () => square().toColourspace('rgb16').withIccProfile('p3').png()],
    ['16-bit with an sRGB profile', () => square().toColourspace('rgb16').withIccProfile('srgb').png()],
    ['a TIFF in Lab', () => square().toColourspace('lab').tiff()],
  ])('%s comes out as the sRGB it shows', async (_, image) => {
    const { data, channels } = await decode(await image().toBuffer())
    expect(channels).toBe(3)
    for (const [c, v] of [color.r, color.g, color.b].entries()) expect(Math.abs((data[c] ?? 0) - v)).toBeLessThan(3)
  })

  it('the P3 samples really differ from sRGB', async () => {
    const file = await square().withIccProfile('p3').png().toBuffer()
    const stored = await sharp(file, { ignoreIcc: true }).raw().toBuffer()
    expect(Math.abs((stored[0] ?? 0) - color.r)).toBeGreaterThan(9)
  })

  it('alpha stays apart and unpremultiplied, at 8 bits', async () => {
    for (const image of [square(4).png(), square(4).toColourspace('rgb16').png()]) {
      const { data, channels } = await decode(await image.toBuffer())
      expect(channels).toBe(4)
      expect([...data.subarray(0, 4)]).toEqual([200, 30, 40, 128])
    }
  })
})

describe('SVG', () => {
  it('draws no picture that lies beside it', async () => {
    const red = await sharp({ create: { width: 10, height: 10, channels: 3, background: 'red' } })
      .png()
      .toBuffer()
    writeFileSync(join(folder, 'secret.png'), red)
    const svg = join(folder, 'reads.svg')
    const href = `secret.png`
    writeFileSync(
      svg,
      `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="10" height="10">` +
        `<image href="${href}" xlink:href="${href}" width="10" height="10"/></svg>`,
    )
    const photo = await decode(svg)
    expect(photo.data.some((v) => v !== 0)).toBe(false)
  })

  it('reads no entity from the disk', async () => {
    writeFileSync(join(folder, 'entity.txt'), '<rect width="10" height="10" fill="red"/>')
    const uri = pathToFileURL(join(folder, 'entity.txt'))
    const svg = `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY e SYSTEM "${uri}">]>
      <svg xmlns="http://www.w3.org/2000/svg" width="10" height="10">&e;</svg>`
    const photo = await decode(Buffer.from(svg)).catch((error) => error)
    if (photo instanceof Error) expect(photo).toMatchObject({ code: 'IMAGE_UNREADABLE' })
    else expect(photo.data.some((v: number) => v !== 0)).toBe(false)
  })

  it('does not unfold a billion laughs', async () => {
    const entities = Array.from({ length: 12 }, (_, i) => `<!ENTITY a${i + 1} "${`&a${i};`.repeat(10)}">`).join('')
    const svg = `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a0 "lol">${entities}]>
      <svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><text>&a12;</text></svg>`
    await expect(decode(Buffer.from(svg))).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' })
  })
})

describe('odd file names', () => {
  it.each(['photo.png[page=9]', 'a#b?c%20d.png', '[x]', 'ä 漢.PNG', '-o.png'])(
    '%s is opened as it is',
    async (name) => {
      const path = join(folder, name)
      writeFileSync(
        path,
        await sharp({ create: { width: 3, height: 2, channels: 3, background: 'blue' } })
          .png()
          .toBuffer(),
      )
      await expect(decode(path)).resolves.toMatchObject({ width: 3, height: 2 })
      await expect(decode(pathToFileURL(path))).resolves.toMatchObject({ width: 3, height: 2 })
    },
  )

  it('the extension does not decide', async () => {
    const path = join(folder, 'really-a-png.jpg')
    mkdirSync(folder, { recursive: true })
    copyFileSync(join(folder, '[x]'), path)
    await expect(decode(path)).resolves.toMatchObject({ width: 3, height: 2 })
  })
})

describe('raw pixels', () => {
  it.each([
    [1, 3, [9, 9, 9]],
    [2, 4, [9, 9, 9, 10]],
    [3, 3, [9, 10, 11]],
    [4, 4, [9, 10, 11, 12]],
  ] as const)('%i channels become %i', async (channels, expected, first) => {
    const data = Uint8Array.from({ length: 6 * channels }, (_, i) => 9 + i)
    const photo = await decode({ data, width: 3, height: 2, channels })
    expect(photo).toMatchObject({ width: 3, height: 2, channels: expected })
    expect([...photo.data.subarray(0, expected)]).toEqual(first)
    expect(photo.data.length).toBe(6 * expected)
  })

  it('reads the part of a buffer that a view shows, clamped arrays too', async () => {
    const memory = Uint8Array.from({ length: 20 }, (_, i) => i)
    const data = new Uint8ClampedArray(memory.buffer, 5, 3)
    expect([...(await decode({ data, width: 1, height: 1, channels: 3 })).data]).toEqual([5, 6, 7])
  })

  const pixel = { data: new Uint8Array(3), width: 1, height: 1, channels: 3 } as const
  it.each<[string, object]>([
    ['too few bytes', { ...pixel, data: new Uint8Array(2) }],
    ['too many bytes', { ...pixel, data: new Uint8Array(4) }],
    ['no width', { ...pixel, width: 0 }],
    ['a broken height', { ...pixel, height: 1.5 }],
    ['a NaN', { ...pixel, height: Number.NaN }],
    ['5 channels', { ...pixel, data: new Uint8Array(5), channels: 5 }],
    ['floats', { ...pixel, data: new Float32Array(3) }],
    ['no fields', {}],
  ])('%s is IMAGE_UNREADABLE', async (_, raw) => {
    await expect(decode(raw as RawImage)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' })
  })

  it('obeys the limit too', async () => {
    const raw = { data: new Uint8Array(12), width: 2, height: 2, channels: 3 } as const
    await expect(decode(raw, { maxPixels: 3 })).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
    await expect(decode(raw, { maxPixels: 4 })).resolves.toMatchObject({ width: 2 })
  })
})

describe('options', () => {
  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('maxPixels %s is OPTION_INVALID', async (maxPixels) => {
    await expect(decode(new Uint8Array(1), { maxPixels })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })

  it('a signal stops before, and while it decodes', async () => {
    const bytes = await sharp({ create: { width: 3000, height: 3000, channels: 3, background: 'red' } })
      .png()
      .toBuffer()
    await expect(decode(bytes, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    const controller = new AbortController()
    const failure = decode(bytes, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(failure).rejects.toMatchObject({ code: 'ABORTED', cause: { message: 'enough' } })
  })
})

it('images have names for messages', () => {
  expect(imageName('a/b.png')).toBe('a/b.png')
  expect(imageName(pathToFileURL('/a b.png'))).toBe('/a b.png')
  expect(imageName(new Uint8Array(7))).toBe('image of 7 bytes')
  expect(imageName({ data: new Uint8Array(3), width: 1, height: 1, channels: 3 })).toBe('raw image')
})
