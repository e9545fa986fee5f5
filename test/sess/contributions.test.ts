import { afterAll, describe, expect, it } from 'vitest'
import { Device, fuse, Stream, Tensor } from '../../src/native.ts'
import { bestSeen, energyShares } from '../../src/sess/contributions.ts'
import { type FusedWindows, placedWindows } from '../../src/sess/fused-windows.ts'
import { makePlan, type Plan } from '../../src/sess/plan.ts'

const device = new Device({ type: 'cpu', threads: 2 })
afterAll(() => device.dispose())

type Mode = FusedWindows['mode']

function planFor(height: number, width: number, side: number, scales: readonly number[], step = side): Plan {
  return makePlan(
    { height, width },
    { height: side, width: side },
    { scales, step: [step, step], antialias: true, sess: true, batch: 4, maxWindows: 1000, passes: 1 },
  )
}

/** Every third window is left out; a map's values are far from even. */
function windowsOf(plan: Plan, grid: number, { mode, theta }: Pick<FusedWindows, 'mode' | 'theta'>): FusedWindows {
  let state = 7
  const random = () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
  const count = plan.windows.length
  const maps = Float32Array.from({ length: count * grid * grid }, () => random() ** 2 - 0.1)
  const kept = plan.windows.map(({ index }) => index).filter((index) => count === 1 || index % 3 !== 1)
  const weights = Float32Array.from(kept, (_, k) => (k === 0 ? 1 : random()))
  const rows = Int32Array.from(kept)
  return { maps, grid: { height: grid, width: grid }, rectify: true, kept, rows, weights, mode, theta }
}

/** Where the i-th of `pixels` reads `samples`. */
function place(i: number, samples: number, pixels: number) {
  const at = ((2 * i + 1) * samples - pixels) / (2 * pixels)
  const left = Math.floor(at)
  const clamp = (j: number) => Math.min(Math.max(j, 0), samples - 1)
  return { a: clamp(left), b: clamp(left + 1), f: at - left }
}

type Image = (y: number, x: number) => number

function bilinear(image: Image, from: readonly [number, number], to: readonly [number, number]): Image {
  return (y, x) => {
    const [v, h] = [place(y, from[0], to[0]), place(x, from[1], to[1])]
    const row = (j: number) => image(j, h.a) * (1 - h.f) + image(j, h.b) * h.f
    return row(v.a) * (1 - v.f) + row(v.b) * v.f
  }
}

/** L of each window at every pixel of the photo, from the definitions, over whole canvases. */
function calibrated(plan: Plan, fused: FusedWindows): Float64Array[] {
  const { height, width } = plan.image
  const side = plan.window.height
  const grid = fused.grid.height
  return fused.kept.map((index, k) => {
    const cells: Image = (y, x) => fused.maps[((fused.rows[k] ?? 0) * grid + y) * grid + x] ?? 0
    const up = bilinear(cells, [grid, grid], [side, side])
    const samples = Array.from({ length: side * side }, (_, i) => Math.max(0, up(Math.floor(i / side), i % side)))
    const [low, high] = [Math.min(...samples), Math.max(...samples)]
    const window = plan.windows[index] ?? { level: 0, y: 0, x: 0 }
    const level = plan.levels[window.level] ?? plan.image
    const canvas: Image = (y, x) => {
      const [v, h] = [y - window.y, x - window.x]
      if (v < 0 || v >= side || h < 0 || h >= side || high === low) return 0
      return ((samples[v * side + h] ?? 0) - low) / (high - low)
    }
    const read = bilinear(canvas, [level.height, level.width], [height, width])
    return Float64Array.from(
      { length: height * width },
      (_, i) => (fused.weights[k] ?? 0) * read(Math.floor(i / width), i % width),
    )
  })
}

/** What each window makes of the fused map's sum, pixel by pixel. */
function plainShares(all: readonly Float64Array[], { mode, theta }: FusedWindows): number[] {
  const energies = all.map(() => 0)
  const add = (k: number, energy: number) => {
    energies[k] = (energies[k] ?? 0) + energy
  }
  for (let i = 0; i < (all[0]?.length ?? 0); i++) {
    const here = all.map((one) => one[i] ?? 0)
    if (mode === 'max') {
      const most = Math.max(...here)
      add(here.indexOf(most), most)
    } else {
      const counted = mode === 'mean' ? here.filter((value) => value > theta).length : here.length
      for (const [k, value] of here.entries()) if (mode === 'average' || value > theta) add(k, value / counted)
    }
  }
  const total = energies.reduce((sum, energy) => sum + energy, 0)
  return energies.map((energy) => (total > 0 ? energy / total : 0))
}

const cases: readonly [string, Plan, number][] = [
  ['an odd photo, levels larger and smaller', planFor(19, 27, 8, [8, 11, 23], 5), 3],
  ['maps of the window own size', planFor(19, 27, 8, [8, 13]), 8],
  ['a photo larger than every level', planFor(61, 43, 5, [5, 7], 3), 2],
  ['one pixel', planFor(1, 1, 4, [4, 6]), 2],
  ['a strip', planFor(2, 40, 4, [4, 5]), 3],
  ['the base view alone', planFor(9, 9, 8, [8]), 4],
]
const fusions: readonly (readonly [Mode, number])[] = [
  ['mean', 0],
  ['mean', 0.3],
  ['max', 0],
  ['average', 0],
]

describe.each(cases)('windows of %s', (_, plan, grid) => {
  it.each(fusions)('have the shares of the definition: %s, theta %f', async (mode, theta) => {
    const fused = windowsOf(plan, grid, { mode, theta })
    const expected = plainShares(calibrated(plan, fused), fused)
    const shares = await energyShares(device, plan, fused)
    for (const [k, share] of shares.entries()) expect(share).toBeCloseTo(expected[k] ?? Number.NaN, 5)
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 10)
  })

  it('are found where they are highest', async () => {
    const fused = windowsOf(plan, grid, { mode: 'mean', theta: 0 })
    const all = calibrated(plan, fused)
    const { height, width } = plan.image
    const pixels = Array.from({ length: height * width }, (_, i) => ({ y: Math.floor(i / width), x: i % width }))
    for (const [i, seen] of (await bestSeen(device, plan, fused, pixels)).entries()) {
      const here = all.map((one) => one[i] ?? 0)
      const most = Math.max(...here)
      if (seen === undefined) expect(most).toBeLessThan(1e-6)
      else {
        expect(seen.value).toBeCloseTo(most, 5)
        expect(here[seen.k]).toBeCloseTo(most, 5)
      }
    }
  })
})

it('the average of the plain loop is the fused map: shares are of its sum', async () => {
  const plan = planFor(19, 27, 8, [8, 11, 23], 5)
  const fused = windowsOf(plan, 3, { mode: 'average', theta: 0 })
  const stream = new Stream(device)
  const out = new Tensor(device, 'float32', [19, 27])
  const maps = Tensor.wrap(device, fused.maps, [plan.windows.length, 3, 3])
  await fuse(stream, maps, placedWindows(plan, fused), out)
  const sum = out.read().reduce((all, value) => all + value, 0)
  const all = calibrated(plan, fused)
  const own = all.map((one) => one.reduce((total, value) => total + value, 0) / all.length)
  const shares = await energyShares(device, plan, fused)
  for (const [k, share] of shares.entries()) expect(share * sum).toBeCloseTo(own[k] ?? Number.NaN, 3)
  for (const owned of [stream, out, maps]) owned.dispose()
})

describe('ties and zeros', () => {
  const plan = planFor(8, 8, 8, [8])
  const twice = (mode: Mode, value: number): FusedWindows => ({
    maps: Float32Array.from({ length: 2 * 4 }, (_, i) => (i % 4 === 0 ? value : 0)),
    grid: { height: 2, width: 2 },
    rectify: true,
    kept: [0, 0],
    rows: Int32Array.of(0, 1),
    weights: Float32Array.of(0.7, 0.7),
    mode,
    theta: 0,
  })

  it('with max the first of equal windows has it all', async () => {
    expect([...(await energyShares(device, plan, twice('max', 1)))]).toEqual([1, 0])
  })

  it.each<Mode>(['mean', 'average'])('with %s equal windows have the same', async (mode) => {
    expect([...(await energyShares(device, plan, twice(mode, 1)))]).toEqual([0.5, 0.5])
  })

  it.each<Mode>(['mean', 'max', 'average'])('of a map of zeros no window has anything: %s', async (mode) => {
    expect([...(await energyShares(device, plan, twice(mode, 0)))]).toEqual([0, 0])
    expect(await bestSeen(device, plan, twice(mode, 0), [{ y: 3, x: 3 }])).toEqual([undefined])
  })

  it('the first of equal windows saw a pixel best', async () => {
    expect(await bestSeen(device, plan, twice('mean', 1), [{ y: 0, x: 0 }])).toMatchObject([{ k: 0 }])
  })
})
