import { SessError } from '../error.ts'
import { type Device, Session, type Size } from '../native.ts'
import { type ClassifierGraph, resolveLayer } from '../onnx/classifier.ts'
import { buildCamModel, buildForwardModel, type CamModel, type ForwardModel } from '../onnx/explain-model.ts'
import type { TargetLayer } from '../onnx/layers.ts'

/** A session on the augmented graph, with what its inputs and outputs are called and how large they are. */
export interface CamSession {
  readonly session: Session
  readonly imageInput: string
  readonly layout: 'NCHW' | 'NHWC'
  /** One int64 input of target classes for each target; -1 stands for the sample's own argmax. */
  readonly targetInputs: readonly string[]
  readonly outputs: {
    readonly logits: string
    /** undefined: a session for logits alone, without targets. */
    readonly activations: string | undefined
    readonly weights: readonly string[]
  }
  readonly classes: number
  readonly activation: 'softmax' | 'sigmoid'
  readonly layer: string
  readonly channels: number
  readonly grid: Size
}

/** A session in use: it is kept open until it is released. */
export type LeasedSession = CamSession & Disposable

/** Sessions kept open beside the one of the default layer and one target; each holds the model's weights once more. */
const keptSessions = 3

interface Entry {
  readonly key: string
  readonly opening: Promise<CamSession>
  users: number
}

/** The sessions of one model: one for each target layer and number of targets, opened when first asked for. */
export class CamSessions {
  readonly #device: Device
  readonly #classifier: ClassifierGraph
  readonly #activation: 'softmax' | 'sigmoid'
  /** The least recently used first. */
  #entries: readonly Entry[] = []
  #unexplained: SessError | undefined

  constructor(device: Device, classifier: ClassifierGraph, activation: 'softmax' | 'sigmoid') {
    this.#device = device
    this.#classifier = classifier
    this.#activation = activation
  }

  /** Why this model cannot be explained at its default layer; known once `classifying` has been asked for. */
  get unexplained(): SessError | undefined {
    return this.#unexplained
  }

  /** @throws SessError `LAYER_NOT_FOUND`, `METHOD_UNSUPPORTED`, `MODEL_UNSUPPORTED` */
  async explaining(layer: string | undefined, targets: number): Promise<LeasedSession> {
    const chosen = layer === undefined ? this.#classifier.layer : resolveLayer(this.#classifier, layer)
    return await this.#lease(this.#key(chosen, targets), () => this.#openCam(chosen, targets))
  }

  /** A session that gives logits: the one that explains one target, where the model has it. */
  async classifying(): Promise<LeasedSession> {
    try {
      return await this.explaining(undefined, 1)
    } catch (error) {
      if (!(error instanceof SessError && /^(METHOD|MODEL)_UNSUPPORTED$/.test(error.code))) throw error
      this.#unexplained = error
      return await this.#lease('logits', () => this.#openForward())
    }
  }

  #key(layer: TargetLayer | undefined, targets: number): string {
    return `${targets} ${layer?.name ?? ''}`
  }

  async #lease(key: string, open: () => Promise<CamSession>): Promise<LeasedSession> {
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
    const first = this.#key(this.#classifier.layer, 1)
    const idle = this.#entries.filter(({ key, users }) => users === 0 && key !== first)
    const closing = new Set(idle.slice(0, Math.max(0, idle.length - keptSessions)))
    this.#entries = this.#entries.filter((entry) => !closing.has(entry))
    for (const { opening } of closing) opening.then(({ session }) => session.dispose()).catch(() => {})
  }

  async #openCam(layer: TargetLayer | undefined, targets: number): Promise<CamSession> {
    const model = buildCamModel(this.#classifier, { targets, layer })
    const { channels, height, width, name } = model.layer
    return {
      ...(await this.#open(model)),
      targetInputs: model.targetInputs,
      outputs: model.outputs,
      layer: name,
      channels,
      grid: { height, width },
    }
  }

  async #openForward(): Promise<CamSession> {
    const model = buildForwardModel(this.#classifier)
    return {
      ...(await this.#open(model)),
      targetInputs: [],
      outputs: { logits: model.logits, activations: undefined, weights: [] },
      layer: '',
      channels: 1,
      grid: { height: 1, width: 1 },
    }
  }

  async #open(model: ForwardModel | CamModel) {
    const session = await Session.open(this.#device, {
      model: model.bytes,
      ...(model.externalFolder === undefined ? {} : { externalFolder: model.externalFolder }),
      threads: this.#device.threads,
      optimization: 'all',
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
