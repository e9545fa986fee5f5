import fc from 'fast-check'
import { expect, it } from 'vitest'
import { size, uniform } from '../models.ts'
import { run } from '../ort.ts'
import { anyGradientModel } from './differences.ts'
import type { Doubles } from './fuzz/arrays.ts'
import { evaluate } from './fuzz/evaluate.ts'
import { describe, grow, type Program, programs } from './fuzz/program.ts'

const TOLERANCE = 3e-4
const STEP = 1e-6
const DIRECTIONS = 6
/** Gradients are told from rounding down to this size. */
const SMALLEST = 0.02

type Numbers = ArrayLike<number>

function dot(a: Numbers, b: Numbers): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0)
  return sum
}

const largest = (values: Numbers): number => Array.from(values, Math.abs).reduce((a, b) => Math.max(a, b), 0)
const moved = (x: Doubles, v: Numbers, by: number): Doubles => ({
  dims: x.dims,
  data: x.data.map((value, i) => value + by * (v[i] ?? 0)),
})

/**
 * The program's gradient in ONNX Runtime (float32) against central differences of the same graph by plain loops in
 * double precision, along random directions. Throws with the graph where they differ.
 */
async function check(program: Program): Promise<void> {
  const next = uniform(7)
  const site = grow(program, next)
  const y = site.nodes.at(-1)?.output[0]
  if (y === undefined) return
  const { opset, nodes, tensors } = site
  const x: Doubles = { dims: [2, ...program.image], data: Float64Array.from(site.values('x'), Math.fround) }
  const model = await anyGradientModel({ opset, nodes, tensors, x: program.image })
  const seed = Float32Array.from({ length: 2 * size(model.outputDims) }, next)
  const out = await run(model, {
    x: { data: Float32Array.from(x.data), dims: x.dims },
    seed: { data: seed, dims: [2, ...model.outputDims] },
  })
  const value = (at: Doubles): Float64Array => evaluate(site, at).get(y)?.data ?? new Float64Array()
  const slope = (at: Doubles, v: Numbers): number =>
    (dot(seed, value(moved(at, v, STEP))) - dot(seed, value(moved(at, v, -STEP)))) / (2 * STEP)
  const directions = Array.from({ length: DIRECTIONS }, () => Array.from(x.data, next))
  const numeric = directions.map((v) => slope(x, v))
  // A sum of a softmax has no gradient at all, but float32's rounding
  const scale = Math.max(largest(numeric), SMALLEST)

  const forward = Array.from(out[model.y]?.data ?? [], Number)
  const forwardError = largest(Array.from(value(x), (v, i) => v - (forward[i] ?? Number.NaN)))
  const gradient = Array.from(out[model.dx]?.data ?? [], Number)
  const error = largest(numeric.map((expected, i) => expected - dot(gradient, directions[i] ?? []))) / scale
  if (forwardError <= TOLERANCE && error <= TOLERANCE && gradient.length === x.data.length) return
  // At a kink, and where the graph itself is ill-conditioned, neighbouring slopes differ: nothing is proven
  const isSteady = [2e-5, -2e-5, 1e-4, -1e-4].every((by) =>
    directions.every(
      (v, i) => Math.abs(slope(moved(x, directions.at(-1 - i) ?? [], by), v) - (numeric[i] ?? 0)) <= 0.05 * scale,
    ),
  )
  fc.pre(isSteady)
  throw new Error(`error ${error} of the gradient, ${forwardError} of the graph itself\n${describe(site)}`)
}

it('the gradient of random graphs agrees with differences in double precision', async () => {
  const property = fc.asyncProperty(programs, check)
  const numRuns = Number(process.env.SESS_FUZZ_RUNS ?? 200)
  const seed = Number(process.env.SESS_FUZZ_SEED ?? 1)
  await fc.assert(property, { numRuns, seed, maxSkipsPerRun: 5 })
  expect.assertions(0)
}, 3_600_000)
