import { describe, expect, it } from 'vitest'
import { groupChannels } from '../../src/sess/group-channels.ts'
import { uniform } from '../onnx/models.ts'

const cells = 9
const shapes = [
  [9, 0, 0, 0, 0, 0, 0, 0, 0],
  [0, 0, 0, 0, 9, 0, 0, 0, 0],
  [0, 0, 0, 0, 0, 0, 0, 0, 9],
]
/** Which shape each channel has once it is weighted; the last is dead. */
const planted = [0, 1, 2, 0, 2, 1, 1, 0, 2, 2, 0, 1]
const scales = planted.map((_, c) => 0.25 * (1 + (c % 4)))
const next = uniform(5)
const row = planted.flatMap((shape, c) => (shapes[shape] ?? []).map((value) => value / (scales[c] ?? 1) + 0.1 * next()))
const never = () => false

/** For each pair of channels, whether they share a group. */
function together(groups: readonly number[]): readonly boolean[] {
  return groups.flatMap((a) => groups.map((b) => a === b))
}

describe('channels with like maps', () => {
  const sizes = { rows: 1, channels: planted.length, count: 3, seed: 0 }

  it('end in one group, by their weighted maps, for any seed', async () => {
    for (const seed of [0, 1, 2, 2 ** 53 - 1]) {
      const groups = await groupChannels(Float32Array.from(row), Float32Array.from(scales), { ...sizes, seed }, never)
      expect(together([...groups])).toEqual(together(planted))
    }
  })

  it('are grouped row by row; a row that is not finite says nothing of the others', async () => {
    const broken = row.map((value, i) => (i === 7 ? Number.NaN : value))
    const both = Float32Array.from([...broken, ...row])
    const groups = [
      ...(await groupChannels(both, Float32Array.from([...scales, ...scales]), { ...sizes, rows: 2 }, never)),
    ]
    expect(groups.slice(0, planted.length).every((group) => group === 0)).toBe(true)
    expect(together(groups.slice(planted.length))).toEqual(together(planted))
  })

  it('may all be the same: every group that is used stays within the count', async () => {
    const zeros = new Float32Array(planted.length * cells)
    const groups = await groupChannels(zeros, Float32Array.from(scales), sizes, never)
    expect([...groups].every((group) => group >= 0 && group < 3)).toBe(true)
  })

  it('are left as they are once the work is stopped', async () => {
    let asked = 0
    await groupChannels(Float32Array.from(row), Float32Array.from(scales), sizes, () => ++asked > 0)
    expect(asked).toBe(1)
  })
})
