import { invalidOption, SessError } from '../error.ts'
import type { Size } from '../native.ts'
import { defaultScales, levelSize, type PlannedWindow, positionCount, positions } from './geometry.ts'

/** The choices a plan follows from; sizes in pixels, already checked for type. */
export interface PlanOptions {
  /** A count of default scales, or lengths of the levels' shorter side, strictly ascending. */
  readonly scales: number | readonly number[]
  /** Window steps along y and x; undefined: the window's own size. */
  readonly step: readonly [number, number] | undefined
  readonly antialias: boolean
  /** False: the base view alone. */
  readonly sess: boolean
  readonly batch: number
  readonly maxWindows: number
  /** Forward passes of one window. */
  readonly passes: number
}

/** What runs for one image, as plain data: computed without a model or a device. */
export interface Plan {
  readonly image: Size
  readonly window: Size
  readonly sess: boolean
  readonly antialias: boolean
  readonly scales: readonly number[]
  readonly step: readonly [number, number]
  readonly levels: readonly Size[]
  readonly windows: readonly PlannedWindow[]
  /** The window whose pixels are those of the base view, so that one forward pass serves both; null if none. */
  readonly baseWindow: number | null
  /** Forward passes of one call, whatever the number of targets. */
  readonly forwards: number
  readonly batch: number
}

/** A plan with what it will take. */
export interface EstimatedPlan extends Plan {
  /** Of the forward passes, those that run only the part behind the target layer; 0 but for ablation-cam. */
  readonly headForwards: number
  /** Bytes besides the model and ONNX Runtime's own. */
  readonly memory: number
  /** Seconds of the forward passes at the speed last measured; null before the first explanation. */
  readonly seconds: number | null
}

const mostScales = 10_000

function resolveScales(scales: PlanOptions['scales'], window: Size): readonly number[] {
  const side = Math.max(window.height, window.width)
  if (typeof scales === 'number' && scales > mostScales) throw invalidOption('scales', scales, `at most ${mostScales}`)
  const lengths = typeof scales === 'number' ? defaultScales(side, scales) : scales
  const ascending = lengths.every((length, i) => i === 0 || length > (lengths[i - 1] ?? 0))
  const [smallest] = lengths
  if (smallest === undefined || smallest < side || !ascending) {
    const expected = `at least one length, each at least the window's ${side} pixels, strictly ascending`
    throw invalidOption('scales', typeof scales === 'number' ? scales : [...scales], expected)
  }
  return lengths
}

function resolveStep(step: PlanOptions['step'], window: Size): readonly [number, number] {
  if (step === undefined) return [window.height, window.width]
  const [y, x] = step
  if (y < 1 || y > window.height || x < 1 || x > window.width) {
    throw invalidOption(
      'step',
      [y, x],
      `1 to the window's size, ${window.height} (y) and ${window.width} (x): a larger step would leave pixels unseen`,
    )
  }
  return step
}

function windowsOf(levels: readonly Size[], window: Size, step: readonly [number, number]): PlannedWindow[] {
  const windows: PlannedWindow[] = []
  for (const [level, { height, width }] of levels.entries()) {
    const columns = positions(width, window.width, step[1])
    for (const y of positions(height, window.height, step[0])) {
      for (const x of columns) windows.push({ index: windows.length, level, y, x })
    }
  }
  return windows
}

/** The windows of each level: they stand in the plan level by level. */
export function windowsByLevel({ levels, windows }: Plan): readonly (readonly PlannedWindow[])[] {
  const byLevel: PlannedWindow[][] = levels.map(() => [])
  for (const window of windows) byLevel[window.level]?.push(window)
  return byLevel
}

function windowCount(levels: readonly Size[], window: Size, step: readonly [number, number]): number {
  return levels.reduce(
    (sum, { height, width }) =>
      sum + positionCount(height, window.height, step[0]) * positionCount(width, window.width, step[1]),
    0,
  )
}

/** @throws SessError `OPTION_INVALID` */
export function refuseTooMany(count: number, limit: number): void {
  if (count > limit) {
    throw new SessError(
      'OPTION_INVALID',
      `The plan has ${count} windows, more than maxWindows ${limit}: take fewer scales, a larger step, ` +
        'or raise maxWindows (--max-windows).',
    )
  }
}

/** A level of exactly the window's size shows the base view, unless it is shrunk without antialiasing. */
function sameAsBaseView(level: Size, window: Size, image: Size, antialias: boolean): boolean {
  const shrinks = level.height < image.height || level.width < image.width
  return level.height === window.height && level.width === window.width && (antialias || !shrinks)
}

/**
 * Levels, windows and forward passes for an image.
 * @throws SessError `OPTION_INVALID`: scales, step, or too many windows
 */
export function makePlan(image: Size, window: Size, options: PlanOptions): Plan {
  const { antialias, sess, batch, passes } = options
  for (const side of ['height', 'width'] as const) {
    const length = image[side]
    if (!Number.isSafeInteger(length) || length < 1) throw invalidOption(`image ${side}`, length, 'whole pixels from 1')
  }
  const step = resolveStep(options.step, window)
  const scales = sess ? resolveScales(options.scales, window) : []
  const levels = sess ? scales.map((scale) => levelSize(image, scale)) : [window]
  refuseTooMany(windowCount(levels, window, step), options.maxWindows)
  const windows = windowsOf(levels, window, step)
  const baseLevel = sess ? levels.findIndex((level) => sameAsBaseView(level, window, image, antialias)) : 0
  const baseWindow = windows.find(({ level }) => level === baseLevel)?.index ?? null
  const forwards = windows.length * passes + (baseWindow === null ? 1 : 0)
  return { image, window, sess, antialias, scales, step, levels, windows, baseWindow, forwards, batch }
}
