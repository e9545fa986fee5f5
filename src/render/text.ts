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
    const letters = [...new Intl.Segmenter().segment(whole)].map(({ segment }) => segment)
    // The longest start that fits: widths grow with the letters
    let [low, high] = [0, letters.length]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (fits(cut(letters, middle))) low = middle
      else high = middle - 1
    }
    return cut(letters, low) + tail
  }

  /** The text over at most `most` lines, broken between words; what does not fit is cut. */
  wrapped(text: string, style: TextStyle, width: number, most: number): readonly string[] {
    const lines: string[] = []
    let line = ''
    for (const word of oneLine(text).split(' ')) {
      const longer = line === '' ? word : `${line} ${word}`
      const isLast = lines.length === most - 1
      if (line === '' || isLast || this.width(longer, style) <= width) line = longer
      else {
        lines.push(line)
        line = word
      }
    }
    return [...lines, line].map((one) => this.shortened(one, style, width))
  }
}

let loading: Promise<Typeface> | undefined

function cut(letters: readonly string[], length: number): string {
  return letters.slice(0, length).join('').trimEnd() + ellipsis
}

/** Without line breaks and what else is no letter: outlines have no place for it. */
function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
}
