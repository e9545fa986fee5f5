import { createRequire } from 'node:module'
import type { Font } from 'fontkit'

export interface TextStyle {
  /** Of the em square, in pixels. */
  readonly size: number
  readonly weight: 'regular' | 'bold'
  readonly color: string
}

const files = { regular: 'DejaVuSans.ttf', bold: 'DejaVuSans-Bold.ttf' } as const
const ellipsis = '…'

/**
 * Text set in DejaVu Sans, as outlines: it looks the same wherever it is drawn, whatever fonts a system has. A character
 * that the font lacks is an empty box.
 */
export class Typeface {
  readonly #fonts: Readonly<Record<TextStyle['weight'], Font>>

  private constructor(fonts: Readonly<Record<TextStyle['weight'], Font>>) {
    this.#fonts = fonts
  }

  /** Reads the fonts, once for all drawings of the process. */
  static load(): Promise<Typeface> {
    loading ??= Typeface.#read().catch((error: unknown) => {
      loading = undefined // it may go better next time
      throw error
    })
    return loading
  }

  static async #read(): Promise<Typeface> {
    const { open } = await import('fontkit') // a fifth of a second, which only drawings need
    const require = createRequire(import.meta.url)
    const font = async (file: string): Promise<Font> => {
      const opened = await open(require.resolve(`dejavu-fonts-ttf/ttf/${file}`))
      if ('fonts' in opened) throw new RangeError(`${file} is a collection of fonts`)
      return opened
    }
    return new Typeface({ regular: await font(files.regular), bold: await font(files.bold) })
  }

  /** Pixels from the start of a line to its end. */
  width(text: string, { size, weight }: TextStyle): number {
    const font = this.#fonts[weight]
    return (font.layout(oneLine(text)).advanceWidth * size) / font.unitsPerEm
  }

  /** Pixels from one baseline to the next. */
  lineHeight({ size }: TextStyle): number {
    return Math.ceil(1.35 * size)
  }

  /** The line's outlines as SVG, `baseline` pixels below the origin. */
  outlines(text: string, style: TextStyle, x: number, baseline: number): string {
    const font = this.#fonts[style.weight]
    const scale = style.size / font.unitsPerEm
    const { glyphs, positions } = font.layout(oneLine(text))
    let pen = x / scale
    let path = ''
    for (const [i, glyph] of glyphs.entries()) {
      const { xAdvance = 0, xOffset = 0, yOffset = 0 } = positions[i] ?? {}
      path += glyph.path
        .translate(pen + xOffset, yOffset)
        .scale(scale, -scale)
        .translate(0, baseline)
        .toSVG()
      pen += xAdvance
    }
    return `<path fill="${style.color}" d="${path}"/>`
  }

  /** The text where it fits, else as much of its start as does, and an ellipsis. `tail` is never cut. */
  shortened(text: string, style: TextStyle, width: number, tail = ''): string {
    const whole = oneLine(text)
    const fits = (shown: string) => this.width(shown + tail, style) <= width
    if (fits(whole)) return whole + tail
    const letters = lettersOf(whole)
    return (
      cut(
        letters,
        longest(letters.length, (length) => fits(cut(letters, length))),
      ) + tail
    )
  }

  /** The text over at most `most` lines, broken between words, and within one that is longer than a line; what does not fit is cut. */
  wrapped(text: string, style: TextStyle, width: number, most: number): readonly string[] {
    const fits = (line: string) => this.width(line, style) <= width
    const lines: string[] = []
    let line = ''
    for (const word of oneLine(text).split(' ')) {
      const longer = line === '' ? word : `${line} ${word}`
      if (lines.length === most - 1 || fits(longer)) {
        line = longer
        continue
      }
      if (line !== '') lines.push(line)
      line = word
      while (lines.length < most - 1 && !fits(line)) {
        const letters = lettersOf(line)
        const start = Math.max(
          1,
          longest(letters.length, (length) => fits(letters.slice(0, length).join(''))),
        )
        if (start === letters.length) break
        lines.push(letters.slice(0, start).join(''))
        line = letters.slice(start).join('')
      }
    }
    return [...lines, line].map((one) => this.shortened(one, style, width))
  }
}

let loading: Promise<Typeface> | undefined

function lettersOf(text: string): readonly string[] {
  return [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment)
}

/** The largest number up to `most` that fits; 0 where none does. Widths grow with the letters. */
function longest(most: number, fits: (length: number) => boolean): number {
  let [low, high] = [0, most]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (fits(middle)) low = middle
    else high = middle - 1
  }
  return low
}

function cut(letters: readonly string[], length: number): string {
  return letters.slice(0, length).join('').trimEnd() + ellipsis
}

/** Without line breaks and what else is no letter: outlines have no place for it. */
function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
}
