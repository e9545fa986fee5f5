/** The four methods of the paper's demo. */
export const comparedMethods: readonly string[] = ['grad-cam', 'guided-backprop', 'group-cam', 'score-cam']

/** What the demo takes for Score-CAM, which asks each window again for each channel. */
export const comparedDefaults: Readonly<Record<string, { readonly scales: number; readonly preFilter: number }>> = {
  'score-cam': { scales: 5, preFilter: 0.5 },
}
