import { describeDevice, type ExplainerDevice, memoryOf, type OpenedDevice, onDevice, whyNoGpu } from './device.ts'
import { invalidOption } from './error.ts'
import { throwIfAborted } from './io/abort.ts'
import { fileState } from './io/file-state.ts'
import { type MethodSupport, methodSupport } from './methods/support.ts'
import { checkLabels, givenLabels } from './models/labels.ts'
import { type LayerReason, layerReason } from './models/layer-reason.ts'
import type { ResolvedModel } from './models/model-file.ts'
import { type ModelPreprocessing, pixelNumbers, preprocessing } from './models/preprocess.ts'
import { type ModelReference, modelReference, resolveModel } from './models/resolve.ts'
import { type Device, Session } from './native.ts'
import { type ClassifierGraph, loadClassifier } from './onnx/classifier.ts'
import { weightFiles } from './onnx/external.ts'
import { inHalf } from './onnx/half-range.ts'
import type { TargetLayer } from './onnx/layers.ts'
import { checkLoadOptions, defaultDevice, defaultThreads, type LoadOptions } from './options.ts'
import type { ModelProvenance, Precision } from './provenance.ts'
import { autoBatch, type BatchDevice } from './sess/batch-size.ts'
import { ExplainSessions } from './sess/explain-session.ts'

/** A model ready to run: its graph, how it is fed and read, and its sessions on a device. */
export interface LoadedModel {
  readonly resolved: ResolvedModel
  readonly classifier: ClassifierGraph
  readonly activation: 'softmax' | 'sigmoid'
  readonly labels: readonly string[] | undefined
  readonly preprocessing: ModelPreprocessing
  readonly device: Device
  /** Why it is not the GPU that the machine has. */
  readonly fallback: string | undefined
  readonly sessions: ExplainSessions
  /** Windows of one forward pass where nothing is said. */
  readonly batch: number
  /** Why the default target layer is what it is. */
  readonly layerReason: LayerReason
  readonly provenance: ModelProvenance
}

/** What a loaded model is and how it will be explained. */
export interface ExplainerInfo {
  readonly model: string
  readonly path: string
  readonly input: {
    readonly name: string
    readonly layout: 'NCHW' | 'NHWC'
    readonly height: number
    readonly width: number
  }
  readonly classes: number
  readonly labels: readonly string[] | undefined
  readonly activation: 'softmax' | 'sigmoid'
  readonly opset: number
  /** `fixed`: the model takes one image at a time, and windows run one by one. */
  readonly batch: 'dynamic' | 'made-dynamic' | 'fixed'
  /** The model's own; what it is computed in is `computePrecision`. */
  readonly precision: 'float32' | 'float16'
  readonly computePrecision: Precision
  /** Default target layer; undefined where the graph has none. */
  readonly layer: string | undefined
  readonly layerReason: LayerReason
  readonly candidates: readonly TargetLayer[]
  readonly methods: readonly MethodSupport[]
  readonly device: ExplainerDevice
  readonly preprocessing: ModelPreprocessing
}

/** Reads a resolved model's graph. What options and manifest state wins over what the graph suggests. */
export async function readClassifier(
  device: Device,
  resolved: ResolvedModel,
  options: LoadOptions,
): Promise<ClassifierGraph> {
  const { manifest, path } = resolved
  const overrides = {
    input: manifest?.input?.name,
    layout: manifest?.input?.layout,
    height: manifest?.input?.height,
    width: manifest?.input?.width,
    logits: manifest?.logits,
    layer: options.layer ?? manifest?.layer,
    activation: options.activation ?? manifest?.activation,
    tokens: options.tokens && { height: options.tokens[0], width: options.tokens[1] },
  }
  return await loadClassifier({ path }, overrides, async (model, externalFolder) => {
    const folder = externalFolder === undefined ? {} : { externalFolder }
    const session = await Session.open(device, { model, ...folder, threads: 1, optimization: 'none' })
    const { outputs } = session
    session.dispose()
    return outputs
  })
}

/** A model by registry id, path or folder, its gradient graph built and open in ONNX Runtime. */
export async function loadModel(name: string | URL, given: LoadOptions): Promise<LoadedModel> {
  const options = checkLoadOptions(given)
  return await load(options, async () => {
    const resolved = await resolveModel(name, {
      signal: options.signal,
      onProgress: (progress) => options.onProgress?.({ ...progress, phase: 'download' }),
    })
    return { resolved, reference: await modelReference(name) }
  })
}

/**
 * A model that was found already, with what its manifest states or is taken to state. `precision` is that of a GPU: a
 * processor takes fp32.
 */
export async function loadResolved(found: FoundModel, given: LoadOptions): Promise<LoadedModel> {
  return await load(checkLoadOptions(given), async () => found, gpuPrecision)
}

/** A model's file, and what it was named by. */
export interface FoundModel {
  readonly resolved: ResolvedModel
  readonly reference: ModelReference
}

/** What is computed in on a device that was opened. */
type PrecisionOn = (opened: OpenedDevice, options: LoadOptions) => Precision

const gpuPrecision: PrecisionOn = ({ device }, { precision = 'fp32' }) => (device.type === 'cpu' ? 'fp32' : precision)

const askedPrecision: PrecisionOn = (opened, options) => {
  const { precision = 'fp32' } = options
  if (gpuPrecision(opened, options) === precision) return precision
  const reason = whyNoGpu(options.device ?? defaultDevice(), describeDevice(opened))
  const why = reason === undefined ? '' : `, and none is used here: ${reason}`
  throw invalidOption('precision', precision, `fp32 on a processor; tf32 and fp16 need a CUDA device${why}`)
}

async function load(
  options: LoadOptions,
  find: () => Promise<FoundModel>,
  precisionOn = askedPrecision,
): Promise<LoadedModel> {
  const { device = defaultDevice(), threads = defaultThreads() } = options
  throwIfAborted(options.signal)
  return await onDevice(device, threads, (opened) => loadOn(opened, find, { ...options, precisionOn }))
}

async function loadOn(
  opened: OpenedDevice,
  find: () => Promise<FoundModel>,
  options: LoadOptions & { readonly precisionOn: PrecisionOn },
): Promise<LoadedModel> {
  const { device, fallback } = opened
  const { signal } = options
  let sessions: ExplainSessions | undefined
  try {
    const precision = options.precisionOn(opened, options)
    const { resolved, reference } = await find()
    const file = await fileState(resolved.path)
    const pixels = preprocessing(resolved.manifest, options)
    const read = await readClassifier(device, resolved, options)
    const files = [file, ...(await Promise.all(weightFiles(read.graph).map(fileState)))]
    const classifier = precision === 'fp16' ? await inHalf(read) : read
    const activation = classifier.activation === 'unknown' ? 'softmax' : classifier.activation
    const stated = options.labels === undefined ? resolved.labels : await givenLabels(options.labels, signal)
    const labels = checkLabels(stated, classifier.classes)
    throwIfAborted(signal)
    sessions = new ExplainSessions(device, classifier, activation, precision === 'tf32' ? 'tf32' : 'fp32')
    const ready = await sessions.classifying()
    ready[Symbol.dispose]()
    throwIfAborted(signal)
    const batch = classifier.batch === 'fixed' ? 1 : autoBatch(classifier.shapes, batchDevice(device))
    const reason = layerReason(resolved.manifest, options)
    const { inputName, layout, height, width, classes } = classifier
    const provenance: ModelProvenance = {
      reference,
      resolved,
      files,
      input: { name: inputName, layout, height, width },
      pixels: pixelNumbers(resolved.manifest, options),
      classes,
      activation,
      labels,
      tokens: options.tokens,
      device: describeDevice(opened),
      precision,
    }
    const model = { resolved, classifier, activation, labels, preprocessing: pixels, layerReason: reason, provenance }
    return { ...model, device, fallback, sessions, batch }
  } catch (error) {
    await sessions?.dispose()
    throw error
  }
}

function batchDevice(device: Device): BatchDevice {
  return device.type === 'cuda'
    ? { type: 'cuda', memoryBytes: memoryOf(device) }
    : { type: 'cpu', threads: device.threads }
}

export function describeModel(loaded: LoadedModel): ExplainerInfo {
  const { resolved, classifier, activation, labels } = loaded
  let support: readonly MethodSupport[] | undefined // builds every method's graph: only when asked
  return {
    model: resolved.id,
    path: resolved.path,
    input: {
      name: classifier.inputName,
      layout: classifier.layout,
      height: classifier.height,
      width: classifier.width,
    },
    classes: classifier.classes,
    labels,
    activation,
    opset: classifier.opset,
    batch: classifier.batch,
    precision: classifier.precision,
    computePrecision: loaded.provenance.precision,
    layer: classifier.layer?.name,
    layerReason: loaded.layerReason,
    candidates: classifier.candidates,
    get methods() {
      support ??= methodSupport(classifier)
      return support
    },
    device: loaded.provenance.device,
    preprocessing: loaded.preprocessing,
  }
}
