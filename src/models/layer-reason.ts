/**
 * Why a target layer was chosen. `last-on-every-path`: the last tensor with height and width over 1 that every path
 * from the image to the logits passes; otherwise what names it.
 */
export type LayerReason = 'last-on-every-path' | 'manifest' | 'option'

/** What names the target layer: an option before the manifest. */
export function layerReason(
  manifest: { readonly layer?: string | undefined } | undefined,
  options: { readonly layer?: string | undefined },
): LayerReason {
  if (options.layer !== undefined) return 'option'
  return manifest?.layer === undefined ? 'last-on-every-path' : 'manifest'
}

/** The reason as a clause about the layer. */
export const layerReasonText: Readonly<Record<LayerReason, string>> = {
  'last-on-every-path': 'the last with height and width over 1 that every path from the image to the logits passes',
  manifest: 'the manifest names it',
  option: '--layer names it',
}
