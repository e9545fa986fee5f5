import { methodByName } from './index.ts'

/** The four methods of the paper's demo. */
export const comparedMethods: readonly string[] = ['grad-cam', 'guided-backprop', 'group-cam', 'score-cam']

/** Those of them that explain one class against others, where that is asked. */
export function comparedFor({ against }: { readonly against?: unknown }): readonly string[] {
  return comparedMethods.filter((name) => against === undefined || methodByName(name).kind !== 'masks')
}

/** What the demo takes for Score-CAM, which asks each window again for each channel. */
export const comparedDefaults: Readonly<Record<string, { readonly scales: number; readonly preFilter: number }>> = {
  'score-cam': { scales: 5, preFilter: 0.5 },
}
