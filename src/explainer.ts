import { coefficientsOf, resolveAgainst } from './against.ts'
import { Call } from './call.ts'
import { classify } from './classify.ts'
import { compare } from './compare.ts'
import type { Comparison } from './comparison.ts'
import { invalidOption, SessError } from './error.ts'
import { type ClassScore, Explanation, explainedWindows } from './explanation.ts'
import { abortError } from './io/abort.ts'
import { decode, photoProvenance } from './io/decode.ts'
import type { ImageSource } from './io/photo.ts'
import { type LayerMaps, layerMaps } from './layer-maps.ts'
import {
  describeModel,
  type ExplainerInfo,
  type FoundModel,
  type LoadedModel,
  loadModel,
  loadResolved,
} from './load.ts'
import type { Size } from './native.ts'
import type { SeedKind } from './onnx/augment.ts'
import type { TargetLayer } from './onnx/layers.ts'
import {
  type ClassifyOptions,
  type CompareOptions,
  checkClassifyOptions,
  checkCompareOptions,
  checkExplainOptions,
  checkLayersOptions,
  type ExplainOptions,
  explainDefaults,
  type LayersOptions,
  type LoadOptions,
  type Target,
} from './options.ts'
import { classOf, classScore, copiesFor, estimatePlan, fusionOptions, methodOf, outputsOf } from './request.ts'
import { resolvedOptions } from './resolved-options.ts'
import { inSmallerBatches } from './sess/batch-size.ts'
import type { OutputSizes } from './sess/buffers.ts'
import { explainWindows } from './sess/explain-windows.ts'
import type { EstimatedPlan } from './sess/plan.ts'

/** Rows and columns of the patches behind a layer of tokens. */
function patchesOf(layer: TargetLayer | undefined): readonly [number, number] | undefined {
  return layer?.layout === 'tokens' ? [layer.height, layer.width] : undefined
}

let withModel: (model: LoadedModel) => Explainer

/** As `Explainer.load`, of a model that was found already. `precision` is that of a GPU: a processor takes fp32. */
export async function loadFound(model: FoundModel, options: LoadOptions): Promise<Explainer> {
  return withModel(await loadResolved(model, options))
}

/** Explains the decisions of one ONNX classifier. Several calls at once are safe. */
export class Explainer {
  static {
    withModel = (model) => new Explainer(model)
  }

  readonly info: ExplainerInfo
  readonly #model: LoadedModel
  readonly #running = new Set<Promise<unknown>>()
  #disposed = false
  /** Seconds of one forward pass, as the last explanation by each method measured it. */
  readonly #forwardSeconds = new Map<string, number>()

  private constructor(model: LoadedModel) {
    this.#model = model
    this.info = describeModel(model)
  }

  /**
   * Loads a model (a registry id, a path to a `.onnx` file, or a folder): reads its graph, builds the gradient graph
   * and opens it in ONNX Runtime.
   * @throws SessError `MODEL_*`, `CHECKSUM_MISMATCH`, `LAYER_NOT_FOUND`, `DEVICE_UNAVAILABLE`, `OPTION_INVALID`
   */
  static async load(model: string | URL = 'tiny200', options: LoadOptions = {}): Promise<Explainer> {
    return new Explainer(await loadModel(model, options))
  }

  /**
   * The saliency of one image, for one target or several. Several targets share the forward passes.
   * @throws SessError `IMAGE_*`, `TARGET_*`, `LAYER_NOT_FOUND`, `METHOD_UNSUPPORTED`, `OPTION_INVALID`,
   * `MODEL_UNSUPPORTED` (a layer behind which no gradient passes), `MODEL_NONFINITE`, `OUT_OF_MEMORY`, `ABORTED`, `DISPOSED`
   */
  explain(image: ImageSource, options: ExplainOptions & { readonly target: readonly Target[] }): Promise<Explanation[]>
  explain(image: ImageSource, options?: ExplainOptions & { readonly target?: Target }): Promise<Explanation>
  explain(image: ImageSource, options?: ExplainOptions): Promise<Explanation | Explanation[]>
  async explain(image: ImageSource, options: ExplainOptions = {}): Promise<Explanation | Explanation[]> {
    const checked = checkExplainOptions(options)
    const { target = explainDefaults.target } = checked
    const several = typeof target === 'object'
    const explanations = await this.#track(() => this.#explainInMemory(image, several ? target : [target], checked))
    const [first] = explanations
    return several || first === undefined ? explanations : first
  }

  /**
   * The maps of several methods on one image, each alone and under SESS; with several steps or fusions, one map for
   * each. What maps of one method share of the forward passes is run once.
   * @throws SessError as `explain`
   */
  async compare(image: ImageSource, options: CompareOptions = {}): Promise<Comparison> {
    const checked = checkCompareOptions(options)
    return await this.#track(() => this.#call(checked.signal, (call) => compare(this.#model, call, image, checked)))
  }

  /**
   * The base method's map at every layer that it can read: each tensor with height and width over 1 that every path
   * from the image to the logits passes.
   * @throws SessError as `explain`
   */
  async layers(image: ImageSource, options: LayersOptions = {}): Promise<LayerMaps> {
    const checked = checkLayersOptions(options)
    const { layer, candidates } = this.#model.classifier
    const isListed = layer === undefined || candidates.some(({ name }) => name === layer.name)
    const model = {
      chosen: layer === undefined ? undefined : { name: layer.name, reason: this.#model.layerReason },
      candidates: isListed ? candidates : [layer, ...candidates],
    }
    const explainOne = async (photo: ImageSource, one: ExplainOptions & { readonly target: Target }) => {
      const [explanation] = await this.#explainInMemory(photo, [one.target], one)
      if (explanation === undefined) throw new RangeError('one target has one explanation')
      return explanation
    }
    return await this.#track(() => layerMaps(model, explainOne, image, checked))
  }

  /** What `explain` would run for an image of this size, without running it. */
  plan(image: Size, options: ExplainOptions = {}): EstimatedPlan {
    this.#refuseDisposed()
    if (typeof image !== 'object' || image === null) throw invalidOption('image', image, '{ height, width }')
    const checked = checkExplainOptions(options)
    const { target = explainDefaults.target } = checked
    for (const one of typeof target === 'object' ? target : [target]) classOf(this.#model, one)
    resolveAgainst(checked.against, this.info)
    return this.#estimate(image, checked, outputsOf(this.#model, checked))
  }

  /** The classes of the base view (the whole image, resized to the window), most probable first. */
  async classify(image: ImageSource, options: ClassifyOptions = {}): Promise<readonly ClassScore[]> {
    const checked = checkClassifyOptions(options)
    return await this.#track(() => this.#call(checked.signal, (call) => classify(this.#model, call, image, checked)))
  }

  /** Releases the model once running calls have ended. Twice is fine. */
  async dispose(): Promise<void> {
    this.#disposed = true
    await Promise.allSettled(this.#running)
    await this.#model.sessions.dispose()
    this.#model.device.dispose()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose()
  }

  /** On a GPU, whose memory is no one's to know before, in smaller batches where a larger one does not fit. */
  async #explainInMemory(image: ImageSource, targets: readonly Target[], options: ExplainOptions) {
    const { batch = explainDefaults.batch } = options
    if (this.#model.device.type === 'cpu' || batch !== 'auto') return await this.#explain(image, targets, options)
    const onProgress = options.onProgress && rising(options.onProgress)
    return await inSmallerBatches(this.#model.batch, (smaller) =>
      this.#explain(image, targets, { ...options, onProgress, batch: smaller }),
    )
  }

  async #explain(image: ImageSource, targets: readonly Target[], options: ExplainOptions): Promise<Explanation[]> {
    const { device, preprocessing, sessions, classifier } = this.#model
    const method = methodOf(options)
    const against = resolveAgainst(options.against, this.info)
    const coefficients = coefficientsOf(against, classifier.classes)
    const classes = targets.map((target) => classOf(this.#model, target))
    const seeds = targets.map(() => (coefficients === undefined ? 'class' : 'combination') as SeedKind)
    const provenance = { photo: photoProvenance(image), model: this.#model.provenance }
    return await this.#call(options.signal, async (call) => {
      using model = await sessions.explaining({ method, layer: options.layer, seeds })
      using asker = await sessions.asking(method, model)
      const decoded = await call.clock.wall('decode', decode(image, options))
      const plan = this.#estimate(decoded, options, model)
      const onForwards = (done: number) => options.onProgress?.({ done, total: plan.forwards, phase: 'inference' })
      using pixels = await call.pixels(decoded)
      const { stream, clock } = call
      const copies = copiesFor(this.#model, options, model)
      const fusion = fusionOptions(options, plan)
      const views = classes.map((_, target) => ({ target, plan, fusion, clock }))
      const run = {
        device,
        stream,
        signal: options.signal,
        clock,
        photo: pixels.tensor,
        plan,
        model,
        preprocessing,
        targets: classes.map((target) => ({ target, coefficients })),
        copies,
        asker,
        seed: options.seed ?? explainDefaults.seed,
        onForwards,
      }
      const { baseLogits, forwards, explained } = await explainWindows(run, views, () => sessions.scoring())
      options.onProgress?.({ done: plan.forwards, total: plan.forwards, phase: 'fusion' })
      this.#forwardSeconds.set(method.name, clock.timings().inference / 1000 / forwards)
      const facts = {
        model: this.#model.resolved.id,
        method: method.name,
        layer: model.layer?.name ?? model.imageInput,
        against,
        tokens: patchesOf(model.layer),
        provenance,
      }
      const choices = { options, method, layer: model.layer, against, copies, plan, fusion }
      const explanations: Explanation[] = []
      for (const { target, scores, map, windowMaps, fused } of explained) {
        const windows = await explainedWindows(plan, scores)
        const { nonfinite } = scores
        const parts = { map, windowMaps, fused, windows, nonfinite, forwards, timings: clock.timings() }
        const score = classScore(this.#model, baseLogits, target)
        const resolved = resolvedOptions({ ...choices, target })
        const explanation = { ...facts, ...parts, photo: pixels.photo, target: score, plan, options: resolved }
        explanations.push(new Explanation(explanation))
      }
      return explanations
    })
  }

  #estimate(image: Size, options: ExplainOptions, model: OutputSizes): EstimatedPlan {
    return estimatePlan(this.#model, image, options, model, this.#forwardSeconds.get(methodOf(options).name))
  }

  /** Runs `work` as one call: it can be aborted, and `dispose` waits for it. */
  async #call<T>(signal: AbortSignal | undefined, work: (call: Call) => Promise<T>): Promise<T> {
    using call = new Call(this.#model.device, signal)
    try {
      return await work(call)
    } catch (error) {
      throw signal?.aborted ? abortError(signal) : error
    }
  }

  #refuseDisposed(): void {
    if (this.#disposed) throw new SessError('DISPOSED', 'The explainer is disposed: load it again.')
  }

  async #track<T>(start: () => Promise<T>): Promise<T> {
    this.#refuseDisposed()
    const running = start()
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }
}

/** Leaves out progress that was reported before, by an attempt that did not fit. */
function rising(onProgress: NonNullable<ExplainOptions['onProgress']>): typeof onProgress {
  let most = -1
  return (progress) => {
    if (progress.done <= most && progress.done < progress.total) return
    most = progress.done
    onProgress(progress)
  }
}
