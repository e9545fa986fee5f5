import type { ExplainedWindow } from '../../src/explanation.ts'
import type { ScaleRobustness } from '../../src/metrics/robustness.ts'
import type { Patches } from '../../src/patches.ts'
import type { PatchPicture } from '../../src/render/patch-pictures.ts'

type Box = PatchPicture['box']

export const windowAt = (index: number, box: Box, more: Partial<ExplainedWindow> = {}): ExplainedWindow => ({
  ...{ index, level: 0, y: 0, x: 0, height: 64, width: 64, box, probability: 0.5, weight: 0.625, kept: true },
  ...more,
})

/** A window whose map has one value. */
export const painted = (index: number, box: Box, step: number): PatchPicture => ({
  ...{ kind: 'map', box, window: windowAt(index, box) },
  map: new Uint8Array(box.width * box.height).fill(step),
})

export const atScale = (scale: number, more: Partial<ScaleRobustness> = {}): ScaleRobustness => ({
  ...{ scale, windows: 4, scored: 4, dropped: 0 },
  score: { q1: 0.1, median: 0.25, q3: 0.5 },
  weight: { q1: 0.2, median: 0.5, q3: 1 },
  atPeak: { windows: 3, high: 2, share: 2 / 3 },
  ...more,
})

/** An explanation of a grey photo of 144 x 72 pixels, with these pictures at each scale. */
export function syntheticPatches(
  scales: readonly (readonly [scale: number, pictures: readonly PatchPicture[]])[],
  more: Partial<Patches> = {},
): Patches {
  return {
    photo: { width: 144, height: 72 },
    window: { width: 64, height: 64 },
    ...{ model: 'a model', method: 'grad-cam', title: 'Grad-CAM', layer: 'features', against: [] },
    target: { index: 3, label: 'tabby', logit: 1, probability: 0.5 },
    options: {
      ...{ method: 'grad-cam', layer: 'features', target: 3, against: undefined, seed: undefined, sess: true },
      ...{ scales: scales.map(([scale]) => scale), step: [64, 64], preFilter: 0, theta: 0, fusion: 'mean' },
      ...{ smooth: false, antialias: true, batch: 1, maxWindows: 1, maxPixels: 1, keepMaps: true },
    },
    windows: scales.flatMap(([, pictures]) => pictures.map(({ window }) => window)),
    robustness: {
      best: { index: 0, score: 0.5 },
      peak: { x: 7, y: 9, value: 0.9 },
      atPeak: { windows: 3, high: 2, share: 2 / 3 },
      scales: scales.map(([scale]) => atScale(scale)),
    },
    small: { data: new Uint8Array(3 * 144 * 72).fill(100), width: 144, height: 72 },
    scales: scales.map(([scale, pictures]) => ({ scale, windows: pictures.length, pictures })),
    ...more,
  }
}
