import { SessError } from '../error.ts'
import { buildExplainModel, type ExplainModel, type LayerTensor, type TargetOutputs } from '../methods/explain-model.ts'
import { type Method, methodByName } from '../methods/index.ts'
import { readsLayer } from '../methods/method.ts'
import { type Device, Session, type Size } from '../native.ts'
import type { OpenableModel, SeedInputs, SeedKind } from '../onnx/augment.ts'
import { type ClassifierGraph, resolveLayer } from '../onnx/classifier.ts'
import { buildForwardModel, type ForwardModel } from '../onnx/forward-model.ts'
import { buildHeadModel } from '../onnx/head-model.ts'
import type { TargetLayer } from '../onnx/layers.ts'

/** A session on the augmented graph, with what its inputs and outputs are called and how large they are. */
export interface ExplainSession {
  readonly session: Session
  readonly imageInput: string
  readonly layout: 'NCHW' | 'NHWC'
  readonly logits: string
  /** One for each target; none in a session for logits alone. */
  readonly seeds: readonly SeedInputs[]
  readonly targets: readonly TargetOutputs[]
  readonly classes: number
  readonly activation: 'softmax' | 'sigmoid'
  /** The target layer; undefined where none is read. */
  readonly layer: TargetLayer | undefined
  /** Of a window's map: the target layer's grid, or the window's pixels. */
  readonly grid: Size
  readonly layerTensor: LayerTensor | undefined
}

/** A session in use: it is kept open until it is released. */
export type LeasedSession = ExplainSession & Disposable

/** What a session is opened for. */
interface SessionRequest {
  readonly method: Method
  readonly layer: string | undefined
  readonly seeds: readonly SeedKind[]
}

/** Sessions kept open beside the one of the default method, layer and one target; each holds the model's weights once more. */
const keptSessions = 3

interface Entry {
  readonly key: string
  readonly opening: Promise<ExplainSession>
  users: number
}

const defaultMethod = methodByName('grad-cam')

/** The sessions of one model: one for each method, target layer and set of seeds, opened when first asked for. */
export class ExplainSessions {
  readonly #device: Device
  readonly #classifier: ClassifierGraph
  readonly #activation: 'softmax' | 'sigmoid'
  /** What the products of float32 are computed in. */
  readonly #precision: 'fp32' | 'tf32'
  /** The least recently used first. */
  #entries: readonly Entry[] = []

  constructor(
    device: Device,
    classifier: ClassifierGraph,
    activation: 'softmax' | 'sigmoid',
    precision: 'fp32' | 'tf32' = 'fp32',
  ) {
    this.#device = device
    this.#precision = precision
    this.#classifier = classifier
    this.#activation = activation
  }

  /** @throws SessError `LAYER_NOT_FOUND`, `METHOD_UNSUPPORTED`, `MODEL_UNSUPPORTED` */
  async explaining({ method, layer, seeds }: SessionRequest): Promise<LeasedSession> {
    if (method.kind === 'masks' && !readsLayer(method)) return await this.#drawing(seeds.length)
    const chosen = layer === undefined ? this.#classifier.layer : resolveLayer(this.#classifier, layer)
    return await this.#lease(keyOf(method, chosen, seeds), () => this.#openExplaining(method, chosen, seeds))
  }

  /** The session for logits alone, for masks that read nothing of the model. */
  async #drawing(targets: number): Promise<LeasedSession> {
    const { height, width } = this.#classifier
    const outputs = new Array<TargetOutputs>(targets).fill({ kind: 'masks' })
    return { ...(await this.scoring()), targets: outputs, grid: { height, width } }
  }

  /** A session that gives logits: the one of the default method, where the model has it. */
  async classifying(): Promise<LeasedSession> {
    try {
      return await this.explaining({ method: defaultMethod, layer: undefined, seeds: ['class'] })
    } catch (error) {
      if (!(error instanceof SessError && /^(METHOD|MODEL)_UNSUPPORTED$/.test(error.code))) throw error
      return await this.scoring()
    }
  }

  /** A session that gives logits and nothing else. */
  async scoring(): Promise<LeasedSession> {
    return await this.#lease('logits', () => this.#openForward())
  }

  /** A session that answers masked copies; undefined where that is the one that explains. */
  async asking(method: Method, { layerTensor }: ExplainSession): Promise<LeasedSession | undefined> {
    if (method.kind !== 'masks') return undefined
    if (layerTensor !== undefined) {
      return await this.#lease(`behind ${layerTensor.name}`, () => this.#openHead(layerTensor))
    }
    return method.copies.masks.kind === 'groups' ? await this.scoring() : undefined // it computes no gradients
  }

  async #lease(key: string, open: () => Promise<ExplainSession>): Promise<LeasedSession> {
    const known = this.#entries.find((candidate) => candidate.key === key)
    const entry = known ?? { key, opening: open(), users: 0 }
    this.#entries = [...this.#entries.filter((other) => other !== entry), entry]
    entry.users++
    const release = () => {
      entry.users--
      this.#closeIdle()
    }
    try {
      return { ...(await entry.opening), [Symbol.dispose]: release }
    } catch (error) {
      this.#entries = this.#entries.filter((other) => other !== entry)
      throw error
    }
  }

  /** Closes the sessions that were not used for longest. */
  #closeIdle(): void {
    const first = keyOf(defaultMethod, this.#classifier.layer, ['class'])
    const idle = this.#entries.filter(({ key, users }) => users === 0 && key !== first)
    const closing = new Set(idle.slice(0, Math.max(0, idle.length - keptSessions)))
    this.#entries = this.#entries.filter((entry) => !closing.has(entry))
    for (const { opening } of closing) opening.then(({ session }) => session.dispose()).catch(() => {})
  }

  async #openExplaining(
    method: Method,
    chosen: TargetLayer | undefined,
    kinds: readonly SeedKind[],
  ): Promise<ExplainSession> {
    const model = buildExplainModel(this.#classifier, { method, layer: chosen, seeds: kinds })
    const { logits, seeds, targets, layer, layerTensor } = model
    return {
      ...(await this.#open(model)),
      logits,
      seeds,
      targets,
      layer,
      layerTensor,
      grid: gridOf(method, model, this.#classifier),
    }
  }

  async #openForward(): Promise<ExplainSession> {
    return await this.#openAsking(buildForwardModel(this.#classifier))
  }

  async #openHead(layerTensor: LayerTensor): Promise<ExplainSession> {
    return await this.#openAsking(buildHeadModel(this.#classifier, layerTensor))
  }

  /** For logits and nothing else. */
  async #openAsking(model: ForwardModel): Promise<ExplainSession> {
    return {
      ...(await this.#open(model)),
      logits: model.logits,
      seeds: [],
      targets: [],
      layer: undefined,
      layerTensor: undefined,
      grid: { height: 1, width: 1 },
    }
  }

  async #open(model: OpenableModel) {
    const session = await Session.open(this.#device, {
      model: model.encode(),
      ...(model.externalFolder === undefined ? {} : { externalFolder: model.externalFolder }),
      threads: this.#device.threads,
      optimization: 'all',
      precision: this.#precision,
    })
    const { layout, classes } = this.#classifier
    return { session, imageInput: model.inputName, layout, classes, activation: this.#activation }
  }

  async dispose(): Promise<void> {
    const opened = await Promise.allSettled(this.#entries.map(({ opening }) => opening))
    this.#entries = []
    for (const result of opened) if (result.status === 'fulfilled') result.value.session.dispose()
  }
}

/** The size of a method's maps. */
export function gridOf(method: Method, { layer }: Pick<ExplainModel, 'layer'>, { height, width }: Size): Size {
  return method.kind !== 'pixels' && layer !== undefined ? layer : { height, width }
}

function keyOf(method: Method, layer: TargetLayer | undefined, seeds: readonly SeedKind[]): string {
  return `${graphName(method)} ${seeds.join(',')} ${layer?.name ?? ''}`
}

/** The same for methods whose graphs are. */
function graphName(method: Method): string {
  if (method.kind !== 'masks') return method.name
  const { kind } = method.copies.masks
  return kind === 'groups' ? 'grad-cam' : kind
}
