import type { Explainer } from '../explainer.ts'
import type { CommonArguments, ModelArguments } from './arguments.ts'
import { type Context, loadExplainer } from './context.ts'

/** Several models in turn, of which one at a time is in memory. */
export class OneModel implements AsyncDisposable {
  readonly #options: Omit<ModelArguments, 'model'> & CommonArguments
  readonly #context: Context
  readonly #known = new Set<string>()
  #held: { readonly model: string; readonly explainer: Explainer } | undefined

  constructor(options: Omit<ModelArguments, 'model'> & CommonArguments, context: Context) {
    this.#options = options
    this.#context = context
  }

  /** The model, loaded in place of the one before. What there is to say about it is said once. */
  async load(model: string): Promise<Explainer> {
    if (this.#held?.model === model) return this.#held.explainer
    await this[Symbol.asyncDispose]()
    const quiet = this.#options.quiet || this.#known.has(model)
    const explainer = await loadExplainer(this.#context, { ...this.#options, model, quiet })
    this.#known.add(model)
    this.#held = { model, explainer }
    return explainer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const held = this.#held
    this.#held = undefined
    await held?.explainer.dispose()
  }
}
