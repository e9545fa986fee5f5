import type { MaskMethod } from './method.ts'

/** `sum_i p(x * R_i) R_i / (N q)` over N random masks that keep a share q; seeded, the same masks for every window. */
export const rise: MaskMethod = {
  kind: 'masks',
  name: 'rise',
  title: 'RISE',
  source: 'Petsiuk, Das, Saenko, RISE: Randomized Input Sampling for Explanation of Black-box Models, 2018',
  copies: {
    kind: 'masked',
    masks: { kind: 'random', count: 4000, grid: 7, keep: 0.5 },
    weight: (masked) => masked.probability,
  },
}
