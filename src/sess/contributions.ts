import { setImmediate as yieldToLoop } from 'node:timers/promises'
import { type Device, fold, Stream, Tensor, upsample } from '../native.ts'
import { calibrationOf, PlacedWindow } from './calibration.ts'
import { type FusedWindows, placedWindows } from './fused-windows.ts'
import type { Plan } from './plan.ts'

/** Samples of windows' maps that are held at once. */
const blockSamples = 4 << 20
/** Pixels between two turns of the event loop: well under a millisecond. */
const TURN = 1 << 17

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
      await forEachRow(device, plan, fused, ({ k, values, columns }) => {
        let sum = 0
        for (let x = 0; x < columns; x++) sum += values[x] ?? 0
        add(k, sum) // over the number of windows, which all have in common
      })
      return energies
    case 'mean': {
      const counts = await countsOf(device, plan, fused)
      await forEachRow(device, plan, fused, ({ k, values, offset, columns }) => {
        let sum = 0
        for (let x = 0; x < columns; x++) {
          const value = values[x] ?? 0
          // At the threshold itself the fusion may have rounded to the other side
          if (value > fused.theta) sum += value / Math.max(1, counts[offset + x] ?? 1)
        }
        add(k, sum)
      })
      return energies
    }
    case 'max': {
      const most = new Float32Array(plan.image.height * plan.image.width)
      const owner = new Int32Array(most.length)
      await forEachRow(device, plan, fused, ({ k, values, offset, columns }) => {
        for (let x = 0; x < columns; x++) {
          const value = values[x] ?? 0
          if (value <= (most[offset + x] ?? 0)) continue
          most[offset + x] = value
          owner[offset + x] = k
        }
      })
      for (let i = 0; i < most.length; i++) {
        if (i % TURN === TURN - 1) await yieldToLoop()
        add(owner[i] ?? 0, most[i] ?? 0)
      }
      return energies
    }
  }
}

/** A window, by its place among the fused ones, and what its weighed and calibrated map has at a pixel. */
export interface Seen {
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
  await forEachWindow(device, plan, fused, async (k, placed, map) => {
    for (const [i, { y, x }] of pixels.entries()) {
      if (y < placed.top || y >= placed.bottom || x < placed.left || x >= placed.right) continue
      placed.row(map, fused.weights[k] ?? 0, y, values)
      const value = values[x - placed.left] ?? 0
      if (value > (best[i]?.value ?? 0)) best[i] = { k, value }
    }
  })
  return best
}

async function forEachRow(
  device: Device,
  plan: Plan,
  fused: FusedWindows,
  visit: (row: CalibratedRow) => void,
): Promise<void> {
  const values = new Float32Array(plan.image.width)
  let visited = 0
  await forEachWindow(device, plan, fused, async (k, placed, map) => {
    const columns = placed.right - placed.left
    for (let y = placed.top; y < placed.bottom; y++) {
      placed.row(map, fused.weights[k] ?? 0, y, values)
      visit({ k, values, offset: y * plan.image.width + placed.left, columns })
      visited += columns
      if (visited < TURN) continue
      visited = 0
      await yieldToLoop()
    }
  })
}

/** Each fused window with its map in [0, 1], in window order, block by block. */
async function forEachWindow(
  device: Device,
  plan: Plan,
  fused: FusedWindows,
  visit: (k: number, placed: PlacedWindow, map: Float32Array) => Promise<void>,
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
      await visit(first + i, placed, samples.subarray(i * size, (i + 1) * size))
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
