import type { Explainer, Explanation } from '../../src/index.ts'

/** A photo with a cat and a cup, explained by the model of the package. */
export async function explainedCup(explainer: Explainer): Promise<Explanation> {
  return await explainer.explain('docs/photos/both.jpg', { scales: [64, 101, 137, 174], target: 'espresso' })
}
