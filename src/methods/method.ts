/**
 * A base method: what it needs from one forward pass of a window, and how that becomes the window's map.
 * `channel-weights`: the map is `relu(sum_c w_c A_c)` on the target layer's grid, upsampled and min-max normalised;
 * the weights `w_c` come out of the augmented graph beside logits and activations.
 */
export interface Method {
  readonly name: string
  readonly title: string
  readonly source: string
  readonly reduction: { readonly kind: 'channel-weights'; readonly weights: 'mean-gradient' }
}
