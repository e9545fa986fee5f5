/** What the masks of a window are made of. Sizes in window pixels. */
export type Masks = ActivationMasks | GroupMasks | AblationMasks | RandomMasks | SquareMasks

/** Each channel of the target layer, upsampled and min-max normalised. */
interface ActivationMasks {
  readonly kind: 'activations'
  /** Only so many channels of a window, those of the largest variance; undefined: all. */
  readonly top: number | undefined
}

/** Sums of weighted channels by group, upsampled and min-max normalised; behind them stands the blurred window. */
interface GroupMasks {
  readonly kind: 'groups'
  /** undefined: 32, or as many as there are channels. */
  readonly count: number | undefined
  /** Which channels make up a group: equal runs in their order, or clusters of like maps. */
  readonly grouping: 'consecutive' | 'k-means'
}

/** The target layer with one channel set to zero; the model goes on behind it. */
interface AblationMasks {
  readonly kind: 'ablations'
}

/** `grid` x `grid` random cells, each kept with probability `keep`, upsampled and shifted. */
interface RandomMasks {
  readonly kind: 'random'
  readonly count: number
  readonly grid: number
  readonly keep: number
}

/** A square in the mean colour, slid by `stride` pixels. */
interface SquareMasks {
  readonly kind: 'squares'
  /** undefined: a seventh of the window's shorter side. */
  readonly side: number | undefined
  /** undefined: half the square's side. */
  readonly stride: number | undefined
}

/** What the model says of one input: the target's logit and probability. */
export interface Answer {
  readonly logit: number
  readonly probability: number
}

/**
 * What a mask counts by the answer to the masked copy. `reference`: the answer to the window itself or, where masks
 * blend with it, to the blurred window.
 */
export type MaskWeight = (masked: Answer, reference: Answer) => number
