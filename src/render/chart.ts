import { setImmediate as yieldToLoop } from 'node:timers/promises'
import { scaleLinear } from 'd3-scale'
import { line } from 'd3-shape'
import { type Block, column, textBlock } from './blocks.ts'
import type { TextStyle, Typeface } from './text.ts'

interface ChartPoint {
  readonly x: number
  /** Null where there is none: the line is broken there. */
  readonly y: number | null
  /** Ends of the bar through the point. */
  readonly range?: readonly [low: number, high: number] | undefined
}

interface ChartSeries {
  readonly color: string
  /** By ascending x. */
  readonly points: readonly ChartPoint[]
}

export interface Chart {
  readonly title: string
  readonly xLabel: string
  /** Where the x axis has numbers, ascending; those without room are left out. */
  readonly xTicks: readonly number[]
  /** The y axis goes from 0 to this, or a round number above it. */
  readonly most: number
  readonly format: 'percent' | 'number'
  /** A dashed line across. */
  readonly mark?: number
  readonly series: readonly ChartSeries[]
}

const titleStyle: TextStyle = { size: 14, weight: 'bold', color: '#111111' }
const tickStyle: TextStyle = { size: 12, weight: 'regular', color: '#444444' }
const margin = { left: 58, right: 14, top: 8, bottom: 42 } as const
const gridColor = '#dddddd'
const axisColor = '#8a8a8a'
/** Pixels from one series' points to the next one's, which would cover them. */
const dodge = 6

/** Lines through points, with a bar through each that has a range. */
export async function chartBlock(
  typeface: Typeface,
  chart: Chart,
  size: { readonly width: number; readonly height: number },
): Promise<Block> {
  const drawing = new ChartDrawing(typeface, chart, size)
  const plot = { ...size, outlines: await drawing.outlines(), pictures: [] }
  return column([textBlock(typeface, typeface.shortened(chart.title, titleStyle, size.width), titleStyle), plot], {
    gap: 2,
    align: 'start',
  })
}

class ChartDrawing {
  readonly #typeface: Typeface
  readonly #chart: Chart
  readonly #right: number
  readonly #bottom: number
  readonly #x: (value: number) => number
  readonly #y: (value: number) => number
  readonly #yTicks: readonly number[]

  constructor(
    typeface: Typeface,
    chart: Chart,
    { width, height }: { readonly width: number; readonly height: number },
  ) {
    this.#typeface = typeface
    this.#chart = chart
    this.#right = width - margin.right
    this.#bottom = height - margin.bottom
    const room = dodge * chart.series.length
    const [first = 0, last = first] = [chart.xTicks[0], chart.xTicks.at(-1)]
    const ends = first === last ? [first - 1, last + 1] : [first, last]
    const x = scaleLinear(ends, [margin.left + room, this.#right - room])
    const y = scaleLinear([0, chart.most > 0 ? chart.most : 1], [this.#bottom, margin.top]).nice(5)
    this.#x = (value) => x(value)
    this.#y = (value) => y(value)
    this.#yTicks = y.ticks(5)
  }

  async outlines(): Promise<string> {
    const { mark, series } = this.#chart
    const middle = (series.length - 1) / 2
    const parts = [
      () => this.#yTicks.map((tick) => this.#yTick(tick)).join(''),
      () => this.#xTickOutlines().join(''),
      () => (mark === undefined ? '' : this.#across(this.#y(mark), axisColor, ' stroke-dasharray="5 4"')),
      () => this.#across(this.#bottom, axisColor) + this.#xLabel(),
      () => series.map((one, i) => this.#series(one, dodge * (i - middle))).join(''),
    ]
    let outlines = ''
    for (const part of parts) {
      await yieldToLoop() // setting a text takes half a millisecond
      outlines += part()
    }
    return outlines
  }

  #yTick(value: number): string {
    const y = this.#y(value)
    const text = this.#chart.format === 'percent' ? `${Number((100 * value).toFixed(6))} %` : String(value)
    const x = margin.left - 8 - this.#typeface.width(text, tickStyle)
    return this.#across(y, gridColor) + this.#typeface.outlines(text, tickStyle, x, y + 0.36 * tickStyle.size)
  }

  #across(y: number, color: string, more = ''): string {
    return `<path fill="none" stroke="${color}" stroke-width="1"${more} d="M${margin.left} ${y}H${this.#right}"/>`
  }

  /** From the left; one that would touch the one before it is left out. */
  #xTickOutlines(): readonly string[] {
    let end = Number.NEGATIVE_INFINITY
    return this.#chart.xTicks.map((value) => {
      const text = String(value)
      const x = this.#x(value)
      const half = this.#typeface.width(text, tickStyle) / 2
      const tick = `<path stroke="${axisColor}" stroke-width="1" d="M${x} ${this.#bottom}v5"/>`
      if (x - half < end + tickStyle.size / 2) return tick
      end = x + half
      return tick + this.#typeface.outlines(text, tickStyle, x - half, this.#bottom + 18)
    })
  }

  #xLabel(): string {
    const width = this.#typeface.width(this.#chart.xLabel, tickStyle)
    const x = (margin.left + this.#right - width) / 2
    return this.#typeface.outlines(this.#chart.xLabel, tickStyle, x, this.#bottom + 36)
  }

  #series({ color, points }: ChartSeries, offset: number): string {
    const at = (point: ChartPoint) => this.#x(point.x) + offset
    const path = line<ChartPoint>()
      .defined(({ y }) => y !== null)
      .x(at)
      .y(({ y }) => this.#y(y ?? 0))([...points])
    const marks = points.flatMap((point) => {
      const { y, range } = point
      if (y === null) return []
      const bar =
        range === undefined
          ? ''
          : `<path stroke="${color}" stroke-width="4" stroke-linecap="round" stroke-opacity="0.4" ` +
            `d="M${at(point)} ${this.#y(range[0])}V${this.#y(range[1])}"/>`
      return [`${bar}<circle fill="${color}" r="3.5" cx="${at(point)}" cy="${this.#y(y)}"/>`]
    })
    return `<path fill="none" stroke="${color}" stroke-width="1.5" d="${path ?? ''}"/>${marks.join('')}`
  }
}
