import { Explanation, explainedWindows } from '../../src/explanation.ts'
import type { Explainer } from '../../src/index.ts'
import type { ModelProvenance } from '../../src/provenance.ts'
import { makePlan } from '../../src/sess/plan.ts'

/** A photo with a cat and a cup, explained by the model of the package. */
export async function explainedCup(explainer: Explainer): Promise<Explanation> {
  return await explainer.explain('docs/photos/both.jpg', { scales: [64, 101, 137, 174], target: 'espresso' })
}

interface Made {
  readonly height: number
  readonly width: number
  /** Value of the map at a pixel. */
  readonly value: (y: number, x: number) => number
  /** Of windows of 16 x 16 pixels. */
  readonly scales?: readonly number[]
  readonly step?: number
}

const noModel: ModelProvenance = {
  reference: { kind: 'id', id: 'none' },
  resolved: { id: 'none', path: 'none.onnx', manifest: undefined, labels: undefined },
  files: [],
  input: { name: 'image', layout: 'NCHW', height: 16, width: 16 },
  pixels: { channels: 'RGB', scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1], inferred: false },
  classes: 4,
  activation: 'softmax',
  labels: undefined,
  tokens: undefined,
  device: { type: 'cpu', threads: 1, simd: 'baseline' },
  precision: 'fp32',
}

/** An explanation of a grey gradient that no model made. */
export async function madeUp({ height, width, value, scales = [16], step = 16 }: Made): Promise<Explanation> {
  const image = { height, width }
  const options = {
    scales,
    step: [step, step],
    antialias: true,
    sess: true,
    batch: 8,
    maxWindows: 1e6,
    passes: 1,
  } as const
  const plan = { ...makePlan(image, { height: 16, width: 16 }, options), headForwards: 0, memory: 0, seconds: null }
  const count = plan.windows.length
  const scores = {
    probability: Float64Array.from({ length: count }, (_, i) =>
      i % 97 === 5 ? Number.NaN : ((i * 7919) % 1000) / 1000,
    ),
    weight: Float32Array.from({ length: count }, (_, i) => ((i * 7919) % 1000) / 999),
    kept: Array.from({ length: count }, (_, i) => i).filter((i) => i % 97 !== 5),
    nonfinite: Array.from({ length: count }, (_, i) => i).filter((i) => i % 97 === 5),
  }
  const pixel = (i: number) => Math.floor(i / 3) % width
  return new Explanation({
    photo: {
      ...image,
      channels: 3,
      data: Uint8Array.from({ length: 3 * height * width }, (_, i) => 255 - (pixel(i) % 200)),
    },
    map: Float32Array.from({ length: height * width }, (_, i) => value(Math.floor(i / width), i % width)),
    target: { index: 3, label: 'made up', logit: 1, probability: 0.5 },
    plan,
    windows: await explainedWindows(plan, scores),
    nonfinite: scores.nonfinite,
    forwards: count,
    timings: { decode: 1, pyramid: 1, gather: 1, inference: 1, reduce: 1, fuse: 1, smooth: 1, total: 7 },
    ...{ model: 'none', method: 'grad-cam', layer: 'layer', against: [], tokens: undefined },
    options: {
      ...{
        method: 'grad-cam',
        layer: 'layer',
        target: 3,
        against: undefined,
        seed: undefined,
        scales,
        step: [step, step],
      },
      ...{ preFilter: 0, theta: 0, fusion: 'mean', smooth: false, sess: true, antialias: true, batch: 8 },
      ...{ maxWindows: 1e6, maxPixels: 1e9, keepMaps: false },
    },
    windowMaps: undefined,
    fused: undefined,
    provenance: { photo: { kind: 'pixels' }, model: noModel },
  })
}
