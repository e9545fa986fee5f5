import { setImmediate as yieldToLoop } from 'node:timers/promises'
import { type Device, fold, Stream, Tensor, upsample } from '../native.ts'
import { type Calibration, calibrationOf, collapsed, PlacedWindow, TURN } from './calibration.ts'
import { type FusedWindows, placedWindows } from './fused-windows.ts'
import type { Plan } from './plan.ts'

/** Samples of windows' maps that are made at once: those of a block are gone through in one turn of the event loop. */
const blockSamples = 1 << 16

/** A window's map, weighed and calibrated, along one row of the photo. */
interface CalibratedRow {
  /** Place among the fused windows. */
  readonly k: number
  readonly values: Float32Array
  /** Of the first value, in the photo. */
  readonly offset: number
  readonly columns: number
}

/**
 * The share of the fused map's sum, before smoothing, that each of the fused windows makes; zeros where the map is zero
 * everywhere. Each pixel's value is divided among the windows that made it: `mean` and `average` add up what windows
 * have there, divided by their number; with `max` it belongs to the window that has most, the first in window order
 * where several do.
 */
export async function energyShares(device: Device, plan: Plan, fused: FusedWindows): Promise<Float64Array> {
  const energies = await energiesOf(device, plan, fused)
  const total = energies.reduce((sum, energy) => sum + energy, 0)
  return total > 0 ? energies.map((energy) => energy / total) : energies
}

async function energiesOf(device: Device, plan: Plan, fused: FusedWindows): Promise<Float64Array> {
  const energies = new Float64Array(fused.kept.length)
  const add = (k: number, energy: number) => {
    energies[k] = (energies[k] ?? 0) + energy
  }
  switch (fused.mode) {
    case 'average':
      await addWeighted(device, plan, fused, undefined, add)
      return energies
    case 'mean': {
      const counts = await countsOf(device, plan, fused)
      for (let i = 0; i < counts.length; i++) {
        if (i % TURN === TURN - 1) await yieldToLoop()
        counts[i] = 1 / Math.max(1, counts[i] ?? 1)
      }
      await addWeighted(device, plan, fused, counts, add)
      return energies
    }
    case 'max': {
      const most = new Float32Array(plan.image.height * plan.image.width)
      const owner = new Int32Array(most.length)
      const claim = ({ k, values, offset, columns }: CalibratedRow) => {
        for (let x = 0; x < columns; x++) {
          const value = values[x] ?? 0
          if (value <= (most[offset + x] ?? 0)) continue
          most[offset + x] = value
          owner[offset + x] = k
        }
      }
      await forEachWindow(device, plan, fused, (window) => visitRows(window, fused, plan, claim))
      for (let i = 0; i < most.length; i++) {
        if (i % TURN === TURN - 1) await yieldToLoop()
        add(owner[i] ?? 0, most[i] ?? 0)
      }
      return energies
    }
  }
}

/**
 * Gives `add` the sum over the photo of what each window has above theta, times `factors` (H x W). Factors that all
 * windows have in common do not matter: 1 everywhere unless given.
 */
async function addWeighted(
  device: Device,
  plan: Plan,
  fused: FusedWindows,
  factors: Float32Array | undefined,
  add: (k: number, energy: number) => void,
): Promise<void> {
  const { height, width } = plan.image
  const given = factors ?? new Float32Array(height * width).fill(1)
  const theta = fused.mode === 'mean' ? fused.theta : 0
  const visitRow = ({ k, values, offset, columns }: CalibratedRow) => {
    let sum = 0
    for (let x = 0; x < columns; x++) {
      const value = values[x] ?? 0
      if (value > theta) sum += value * (given[offset + x] ?? 0)
    }
    add(k, sum)
  }
  let counted: { readonly of: Calibration; readonly counts: Float32Array } | undefined
  await forEachWindow(device, plan, fused, async (window) => {
    const { k, placed, map, calibration } = window
    const { level } = calibration
    // Without a threshold it is linear, and a level smaller than the photo is visited once for all its windows
    if (theta > 0 || level.height * level.width > height * width) return await visitRows(window, fused, plan, visitRow)
    if (counted?.of !== calibration) counted = { of: calibration, counts: await collapsed(given, calibration) }
    add(k, (fused.weights[k] ?? 0) * placed.dot(map, counted.counts))
  })
}

/** A window, by its place among the fused ones, and what its weighed and calibrated map has at a pixel. */
interface Seen {
  readonly k: number
  readonly value: number
}

/**
 * Of each pixel, the window whose weighed and calibrated map is highest there, the first in window order where several
 * are; undefined where none is above 0.
 */
export async function bestSeen(
  device: Device,
  plan: Plan,
  fused: FusedWindows,
  pixels: readonly { readonly y: number; readonly x: number }[],
): Promise<readonly (Seen | undefined)[]> {
  const best = pixels.map((): Seen | undefined => undefined)
  const values = new Float32Array(plan.image.width)
  await forEachWindow(device, plan, fused, async ({ k, placed, map }) => {
    for (const [i, { y, x }] of pixels.entries()) {
      if (y < placed.top || y >= placed.bottom || x < placed.left || x >= placed.right) continue
      placed.row(map, fused.weights[k] ?? 0, y, values)
      const value = values[x - placed.left] ?? 0
      if (value > (best[i]?.value ?? 0)) best[i] = { k, value }
    }
  })
  return best
}

/** Visits each row of the photo that the window touches. */
async function visitRows(
  { k, placed, map }: WindowMap,
  fused: FusedWindows,
  plan: Plan,
  visit: (row: CalibratedRow) => void,
): Promise<void> {
  const columns = placed.right - placed.left
  const values = new Float32Array(columns)
  const rowsOfTurn = Math.ceil(TURN / Math.max(1, columns))
  for (let y = placed.top; y < placed.bottom; y++) {
    placed.row(map, fused.weights[k] ?? 0, y, values)
    visit({ k, values, offset: y * plan.image.width + placed.left, columns })
    if (y % rowsOfTurn === rowsOfTurn - 1) await yieldToLoop()
  }
}

/** A fused window's map in [0, 1], and where it is. */
interface WindowMap {
  /** Place among the fused windows. */
  readonly k: number
  readonly placed: PlacedWindow
  readonly calibration: Calibration
  readonly map: Float32Array
}

/** Visits each fused window in window order; maps are made block by block. */
async function forEachWindow(
  device: Device,
  plan: Plan,
  fused: FusedWindows,
  visit: (window: WindowMap) => Promise<void>,
): Promise<void> {
  const { height, width } = plan.window
  const size = height * width
  const block = Math.max(1, Math.floor(blockSamples / size))
  const calibrations = plan.levels.map((level) => calibrationOf(level, plan.image))
  using kept = new KeptMaps(device, fused)
  for (let first = 0; first < fused.kept.length; first += block) {
    const rows = fused.rows.subarray(first, first + block)
    const samples = new Float32Array(rows.length * size)
    const out = Tensor.wrap(device, samples, [rows.length, height, width])
    await upsample(kept.stream, kept.maps, { rows, rectify: fused.rectify }, out).finally(() => out.dispose())
    for (let i = 0; i < rows.length; i++) {
      const window = plan.windows[fused.kept[first + i] ?? -1]
      const calibration = calibrations[window?.level ?? -1]
      if (window === undefined || calibration === undefined) continue
      const placed = new PlacedWindow(calibration, window, plan.window)
      await visit({ k: first + i, placed, calibration, map: samples.subarray(i * size, (i + 1) * size) })
    }
  }
}

/** How many windows are above the threshold at each pixel, as the fusion counted them. */
async function countsOf(device: Device, plan: Plan, fused: FusedWindows): Promise<Float32Array> {
  const { height, width } = plan.image
  const sums = new Float32Array(2 * height * width)
  using kept = new KeptMaps(device, fused)
  const out = Tensor.wrap(device, sums, [2, height, width])
  const options = { ...placedWindows(plan, fused), rescale: 0 }
  await fold(kept.stream, kept.maps, options, out).finally(() => out.dispose())
  return sums.subarray(height * width)
}

/** The windows' maps on a device, and a queue for what is done with them. */
class KeptMaps implements Disposable {
  readonly stream: Stream
  readonly maps: Tensor<'float32'>

  constructor(device: Device, { maps, grid }: FusedWindows) {
    const rows = maps.length / (grid.height * grid.width)
    this.maps = Tensor.wrap(device, maps, [rows, grid.height, grid.width])
    this.stream = new Stream(device)
  }

  [Symbol.dispose](): void {
    this.stream.dispose()
    this.maps.dispose()
  }
}
