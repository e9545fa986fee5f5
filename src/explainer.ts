import { Call } from './call.ts'
import { invalidOption, SessError } from './error.ts'
import { type ClassScore, Explanation, explainedWindows } from './explanation.ts'
import { abortError } from './io/abort.ts'
import { decode } from './io/decode.ts'
import type { ImageSource } from './io/photo.ts'
import { describeModel, type ExplainerInfo, type LoadedModel, loadModel } from './load.ts'
import { buildExplainModel } from './methods/explain-model.ts'
import { methodByName } from './methods/index.ts'
import { copiesOf, type Method, passesOf, withSamples } from './methods/method.ts'
import { resolveTarget } from './models/labels.ts'
import { probabilities } from './models/probabilities.ts'
import type { Size } from './native.ts'
import type { SeedKind } from './onnx/augment.ts'
import { resolveLayer } from './onnx/classifier.ts'
import {
  type ClassifyOptions,
  checkClassifyOptions,
  checkExplainOptions,
  type ExplainOptions,
  explainDefaults,
  type LoadOptions,
  type Target,
} from './options.ts'
import { memoryOf, type OutputSizes } from './sess/buffers.ts'
import { gridOf } from './sess/explain-session.ts'
import { explainWindows, scheduleOf } from './sess/explain-windows.ts'
import type { FusionOptions } from './sess/fusion.ts'
import { runWindows } from './sess/pipeline.ts'
import { type EstimatedPlan, makePlan, type Plan } from './sess/plan.ts'

/** The class of a target that is only known after the base view's forward pass. */
const topOne = -1
const defaultKernel = { size: 11, sigma: 5 }

/** Without SESS nothing is smoothed: the map is the base method's own. */
function fusionOptions(options: ExplainOptions, plan: Plan): FusionOptions {
  const { smooth = explainDefaults.smooth } = options
  const kernel = smooth === true ? defaultKernel : { ...defaultKernel, ...(smooth || {}) }
  return {
    mode: options.fusion ?? explainDefaults.fusion,
    theta: options.theta ?? explainDefaults.theta,
    preFilter: options.preFilter ?? explainDefaults.preFilter,
    smoothing: plan.sess && smooth !== false ? kernel : undefined,
    keepMaps: options.keepMaps ?? explainDefaults.keepMaps,
  }
}

function methodOf({ method = explainDefaults.method, samples }: ExplainOptions): Method {
  return withSamples(methodByName(method), samples)
}

/** What an option says, for a message. */
function named(against: NonNullable<ExplainOptions['against']>): string {
  return typeof against === 'object' ? against.map(({ target }) => target).join(', ') : String(against)
}

/** Explains the decisions of one ONNX classifier. Several calls at once are safe. */
export class Explainer {
  readonly info: ExplainerInfo
  readonly #model: LoadedModel
  readonly #running = new Set<Promise<unknown>>()
  #disposed = false
  /** Seconds of one forward pass, as the last explanation measured it. */
  #forwardSeconds: number | undefined

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
    const explanations = await this.#track(() => this.#explain(image, several ? target : [target], checked))
    const [first] = explanations
    return several || first === undefined ? explanations : first
  }

  /** What `explain` would run for an image of this size, without running it. */
  plan(image: Size, options: ExplainOptions = {}): EstimatedPlan {
    this.#refuseDisposed()
    if (typeof image !== 'object' || image === null) throw invalidOption('image', image, '{ height, width }')
    const checked = checkExplainOptions(options)
    const { target = explainDefaults.target } = checked
    for (const one of typeof target === 'object' ? target : [target]) this.#classOf(one)
    this.#coefficients(checked.against, methodOf(checked))
    return this.#plan(image, checked, this.#outputs(checked))
  }

  /** The classes of the base view (the whole image, resized to the window), most probable first. */
  async classify(image: ImageSource, options: ClassifyOptions = {}): Promise<readonly ClassScore[]> {
    const checked = checkClassifyOptions(options)
    return await this.#track(() => this.#classify(image, checked))
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

  async #explain(image: ImageSource, targets: readonly Target[], options: ExplainOptions): Promise<Explanation[]> {
    const { device, preprocessing, sessions } = this.#model
    const method = methodOf(options)
    const coefficients = this.#coefficients(options.against, method)
    const classes = targets.map((target) => this.#classOf(target))
    const seeds = targets.map(() => (coefficients === undefined ? 'class' : 'combination') as SeedKind)
    return await this.#call(options.signal, async (call) => {
      using model = await sessions.explaining({ method, layer: options.layer, seeds })
      const decoded = await call.clock.wall('decode', decode(image, options))
      const plan = this.#plan(decoded, options, model)
      const onForwards = (done: number) => options.onProgress?.({ done, total: plan.forwards, phase: 'inference' })
      using pixels = await call.pixels(decoded)
      const { stream, clock } = call
      const fusion = fusionOptions(options, plan)
      const run = {
        device,
        stream,
        clock,
        photo: pixels.tensor,
        plan,
        model,
        preprocessing,
        targets: classes.map((target) => ({ target, coefficients })),
        copies: copiesOf(method),
        seed: options.seed ?? explainDefaults.seed,
        onForwards,
      }
      const { baseLogits, explained } = await explainWindows(run, fusion, () => sessions.scoring())
      options.onProgress?.({ done: plan.forwards, total: plan.forwards, phase: 'fusion' })
      this.#forwardSeconds = clock.timings().inference / 1000 / plan.forwards
      const facts = { model: this.#model.resolved.id, method: method.name, layer: model.layer }
      const explanations: Explanation[] = []
      for (const { target, scores, map, windowMaps } of explained) {
        const windows = await explainedWindows(plan, scores)
        const parts = { map, windowMaps, windows, nonfinite: scores.nonfinite, timings: clock.timings() }
        const score = this.#classScore(baseLogits, target)
        explanations.push(new Explanation({ ...facts, ...parts, photo: pixels.photo, target: score, plan }))
      }
      return explanations
    })
  }

  async #classify(image: ImageSource, options: ClassifyOptions): Promise<readonly ClassScore[]> {
    const { device, preprocessing, sessions } = this.#model
    return await this.#call(options.signal, async (call) => {
      using session = await sessions.classifying()
      const photo = await decode(image, options)
      const plan = this.#plan(photo, { sess: false, batch: 1 }, session)
      using pixels = await call.pixels(photo)
      const { baseLogits } = await runWindows({
        device,
        stream: call.stream,
        clock: call.clock,
        photo: pixels.tensor,
        plan,
        preprocessing,
        model: session,
        targets: session.seeds.map(() => ({ target: topOne, coefficients: undefined })),
        copies: { kind: 'none' },
        seed: explainDefaults.seed,
        onForwards: () => {},
        chunks: [{ first: 0, end: 1 }],
        onMaps: async () => {},
      })
      const shares = probabilities(baseLogits, this.#model.activation)
      if (!shares.every(Number.isFinite)) {
        throw new SessError('MODEL_NONFINITE', 'The model gives logits that are not finite: check its preprocessing.')
      }
      const order = [...shares.keys()].sort((a, b) => (shares[b] ?? 0) - (shares[a] ?? 0) || a - b)
      return order.slice(0, options.top).map((index) => this.#classScore(baseLogits, index))
    })
  }

  #plan(image: Size, options: ExplainOptions, model: OutputSizes): EstimatedPlan {
    const { classifier, batch: autoBatch } = this.#model
    const { batch = explainDefaults.batch, step } = options
    const copies = copiesOf(methodOf(options))
    if (classifier.batch === 'fixed' && batch !== 'auto' && batch !== 1) {
      throw invalidOption('batch', batch, '1 or "auto": this model takes one image at a time')
    }
    const plan = makePlan(
      { height: image.height, width: image.width },
      { height: classifier.height, width: classifier.width },
      {
        scales: options.scales ?? explainDefaults.scales,
        step: typeof step === 'number' ? [step, step] : step,
        antialias: options.antialias ?? explainDefaults.antialias,
        sess: options.sess ?? explainDefaults.sess,
        batch: batch === 'auto' ? autoBatch : batch,
        maxWindows: options.maxWindows ?? explainDefaults.maxWindows,
        passes: passesOf(copies),
      },
    )
    const fusion = fusionOptions(options, plan)
    const asked = { targets: Math.max(1, model.targets.length), copies }
    const { chunks, forwards } = scheduleOf(plan, model, asked, fusion)
    return {
      ...plan,
      forwards,
      memory: memoryOf(plan, model, { copies, chunks, keepMaps: fusion.keepMaps }),
      seconds: this.#forwardSeconds === undefined ? null : this.#forwardSeconds * forwards,
    }
  }

  /** What a session for these options would give, without opening it. */
  #outputs(options: ExplainOptions): OutputSizes {
    const { classifier } = this.#model
    const method = methodOf(options)
    const layer = options.layer === undefined ? classifier.layer : resolveLayer(classifier, options.layer)
    const targets = typeof options.target === 'object' ? options.target.length : 1
    const kind: SeedKind = options.against === undefined ? 'class' : 'combination'
    const model = buildExplainModel(classifier, { method, layer, seeds: new Array<SeedKind>(targets).fill(kind) })
    return { grid: gridOf(method, model, classifier), classes: classifier.classes, targets: model.targets }
  }

  /** What is added to the logit of each target: minus the classes that it is held against. */
  #coefficients(against: ExplainOptions['against'], method: Method): Float32Array | undefined {
    if (against === undefined) return undefined
    if (method.kind === 'cam' && method.reads === 'activations') {
      throw invalidOption('against', named(against), `nothing: ${method.name} reads no class`)
    }
    const coefficients = new Float32Array(this.#model.classifier.classes)
    for (const { target, weight } of typeof against === 'object' ? against : [{ target: against, weight: 1 }]) {
      const index = this.#classOf(target)
      coefficients[index] = (coefficients[index] ?? 0) - weight
    }
    return coefficients
  }

  #classOf(target: Target): number {
    return target === 'top-1' ? topOne : resolveTarget(target, this.#model.labels, this.#model.classifier.classes)
  }

  #classScore(logits: Float32Array, index: number): ClassScore {
    const probability = probabilities(logits, this.#model.activation)[index] ?? Number.NaN
    return { index, label: this.#model.labels?.[index], logit: logits[index] ?? Number.NaN, probability }
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
