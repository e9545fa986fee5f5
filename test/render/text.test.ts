import { describe, expect, it } from 'vitest'
import { drawBlock, framed, textBlock } from '../../src/render/blocks.ts'
import { type TextStyle, Typeface } from '../../src/render/text.ts'
import { inkOf, pixelsOf } from './pixels.ts'

const style: TextStyle = { size: 14, weight: 'regular', color: '#000000' }
const typeface = await Typeface.load()

describe('a line of text', () => {
  it.each(['tiger cat (282), 14.2 %', 'ÅÉgjpqy|', 'Тигр Ελλάδα', 'W', 'قطة'])(
    '"%s" lies within its block',
    async (text) => {
      for (const size of [9, 14, 40]) {
        const block = textBlock(typeface, text, { ...style, size })
        const margin = 10
        const ink = inkOf(await pixelsOf(drawBlock(framed(block, margin))))
        expect(ink?.left).toBeGreaterThanOrEqual(margin - 1)
        expect(ink?.top).toBeGreaterThanOrEqual(margin)
        expect(ink?.right).toBeLessThanOrEqual(margin + block.width)
        expect(ink?.bottom).toBeLessThan(margin + block.height)
        expect((ink?.right ?? 0) - (ink?.left ?? 0)).toBeGreaterThan(block.width / 2)
      }
    },
  )

  it('is outlines: no font of the system is asked for', () => {
    expect(typeface.outlines('cat', style, 0, 10)).toMatch(/^<path fill="#000000" d="M[^<>]*"\/>$/)
  })

  it('has no line breaks and no control characters, and needs no escaping', () => {
    expect(typeface.outlines(' a\n\t<&\u0000b ', style, 0, 0)).toBe(typeface.outlines('a <& b', style, 0, 0))
  })

  it('is wider when it is longer, larger or bold', () => {
    const width = typeface.width('tabby', style)
    expect(typeface.width('tabby cat', style)).toBeGreaterThan(width)
    expect(typeface.width('tabby', { ...style, size: 28 })).toBeCloseTo(2 * width, 6)
    expect(typeface.width('tabby', { ...style, weight: 'bold' })).toBeGreaterThan(width)
    expect(typeface.width('', style)).toBe(0)
  })

  it('starts where it is told to', async () => {
    const outlines = typeface.outlines('H', style, 30, 20)
    const ink = inkOf(await pixelsOf(drawBlock({ width: 60, height: 30, outlines, pictures: [] })))
    expect(ink?.left).toBeGreaterThanOrEqual(30)
    expect(ink?.left).toBeLessThanOrEqual(32)
    expect(ink?.bottom).toBe(19)
  })
})

describe('a text that is too long', () => {
  it.each([
    'a label that is far too long for that',
    'Wwwwwwwwwwwwwwwwwwwwww',
    '猫猫猫猫猫猫猫猫',
    '👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦',
  ])('"%s" is cut to fit, and ends in an ellipsis', (text) => {
    const short = typeface.shortened(text, style, 60)
    expect(typeface.width(short, style)).toBeLessThanOrEqual(60)
    expect(short).toMatch(/…$/)
    expect(text.startsWith(short.slice(0, -1))).toBe(true)
    const longer = [...new Intl.Segmenter().segment(text)].slice(0, [...new Intl.Segmenter().segment(short)].length)
    const next = `${longer.map(({ segment }) => segment).join('')}…`
    expect(typeface.width(next, style)).toBeGreaterThan(60)
  })

  it('keeps its tail whole', () => {
    const short = typeface.shortened('Staffordshire bullterrier', style, 120, ', 99.9 %')
    expect(short).toMatch(/^Staff.*…, 99\.9 %$/)
    expect(typeface.width(short, style)).toBeLessThanOrEqual(120)
  })

  it('is left as it is where it fits', () => {
    expect(typeface.shortened('cat', style, 500, ', 1 %')).toBe('cat, 1 %')
    expect(typeface.shortened('', style, 0)).toBe('')
  })

  it('is broken between words, and what does not fit the last line is cut', () => {
    const width = typeface.width('Guided backprop', style)
    expect(typeface.wrapped('Guided backprop', style, width, 3)).toEqual(['Guided backprop'])
    expect(typeface.wrapped('Guided backprop', style, width - 1, 3)).toEqual(['Guided', 'backprop'])
    const lines = typeface.wrapped('one two three four five six seven', style, typeface.width('three f', style), 2)
    expect(lines).toHaveLength(2)
    expect(lines[1]).toMatch(/…$/)
    for (const line of typeface.wrapped('Donaudampfschifffahrt auf See', style, 40, 3)) {
      expect(typeface.width(line, style)).toBeLessThanOrEqual(40)
    }
  })

  it('of one long word is broken within it, and nothing is lost', () => {
    const text = '/backbone/layer4/layer4.2/conv3/Conv_output_0 and more'
    const lines = typeface.wrapped(text, style, 90, 20)
    expect(lines.join('').replace(/ /g, '')).toBe(text.replace(/ /g, ''))
    for (const line of lines) expect(typeface.width(line, style)).toBeLessThanOrEqual(90)
    expect(typeface.wrapped('WWW', style, 1, 20).length).toBeLessThanOrEqual(3)
  })
})
