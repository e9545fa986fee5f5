import { type Device, Session, type Size } from '../native.ts'
import { type ClassifierGraph, resolveLayer } from '../onnx/classifier.ts'
import { buildCamModel, buildForwardModel, type CamModel, type ForwardModel } from '../onnx/explain-model.ts'

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

/** The sessions of one model: one for each target layer and number of targets, opened when first asked for. */
export class CamSessions {
  readonly #device: Device
  readonly #classifier: ClassifierGraph
  readonly #activation: 'softmax' | 'sigmoid'
  readonly #sessions = new Map<string, Promise<CamSession>>()

  constructor(device: Device, classifier: ClassifierGraph, activation: 'softmax' | 'sigmoid') {
    this.#device = device
    this.#classifier = classifier
    this.#activation = activation
  }

  /** @throws SessError `LAYER_NOT_FOUND`, `METHOD_UNSUPPORTED`, `MODEL_UNSUPPORTED` */
  async explaining(layer: string | undefined, targets: number): Promise<CamSession> {
    return await this.#once(`${targets} ${layer ?? ''}`, () => this.#openCam(layer, targets))
  }

  /** A session that gives logits: the one that explains one target, where the model has it. */
  async classifying(): Promise<CamSession> {
    return await this.explaining(undefined, 1).catch(() => this.#once('logits', () => this.#openForward()))
  }

  async #once(key: string, open: () => Promise<CamSession>): Promise<CamSession> {
    const known = this.#sessions.get(key)
    if (known !== undefined) return await known
    const opening = open()
    this.#sessions.set(key, opening)
    return await opening
  }

  async #openCam(layer: string | undefined, targets: number): Promise<CamSession> {
    const chosen = layer === undefined ? undefined : resolveLayer(this.#classifier, layer)
    const model = buildCamModel(this.#classifier, { targets, layer: chosen })
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
    const opened = await Promise.allSettled(this.#sessions.values())
    this.#sessions.clear()
    for (const result of opened) if (result.status === 'fulfilled') result.value.session.dispose()
  }
}
