/**
 * The whole native surface. `src/native.ts` loads the addon and is the only importer of this page.
 *
 * Ops are pure functions over tensors on one device. They are enqueued on a `Stream`, run in the order of their
 * calls, and return a promise of the milliseconds the op itself took, so a caller may enqueue the next op without
 * waiting for the last. An op whose arguments do not fit throws at the call; one that fails later rejects. Both carry a
 * `code` from the contract's list. Tensors that an op was given stay alive until it has run. The memory of an op's
 * outputs may not overlap that of its inputs (a picture may be drawn over its photo: `overlay`).
 */

export type DType = 'float32' | 'float64' | 'uint8' | 'int64'
export interface ArrayOf {
  readonly float32: Float32Array
  readonly float64: Float64Array
  readonly uint8: Uint8Array
  readonly int64: BigInt64Array
}
export type Shape = readonly number[]
export type Milliseconds = number

/** Rectangle in the pixels of a pyramid level. */
export interface Rect {
  readonly y: number
  readonly x: number
  readonly height: number
  readonly width: number
}

export interface Size {
  readonly height: number
  readonly width: number
}

/** How 8-bit photo values become input channels: channel c is `photo[channels[c]] * scale[c] + bias[c]`. */
export interface Preprocessing {
  readonly channels: readonly [number, number, number]
  readonly scale: readonly [number, number, number]
  readonly bias: readonly [number, number, number]
}

/** How a photo becomes a level of size `level`: resized (antialiased bilinear, or plain bilinear) and preprocessed. */
export interface Resize extends Preprocessing {
  readonly level: Size
  readonly filter: 'antialias' | 'bilinear'
}

/** The class of every error that the addon raises: `new Class(code, message)`. To be called once, first. */
export function setErrorClass(errorClass: new (code: ErrorCode, message: string) => Error): void
export type ErrorCode =
  | 'OPTION_INVALID'
  | 'MODEL_UNREADABLE'
  | 'MODEL_UNSUPPORTED'
  | 'OUT_OF_MEMORY'
  | 'NATIVE_MISSING'
  | 'DEVICE_UNAVAILABLE'
  | 'ABORTED'
  | 'DISPOSED'

/**
 * Loads ONNX Runtime's shared library, once per process: later calls give what the first one loaded. `resident`: a
 * copy that the process already has goes before `path`. Throws `NATIVE_MISSING`.
 */
export function loadRuntime(
  path: string,
  options: { readonly prefer: 'resident' | 'given' },
): { readonly version: string; readonly path: string }

/** What the ops run on, and where tensors live. The CPU device owns one thread pool. */
export class Device {
  /**
   * `simd` forces a kernel variant (tests); the default is the best that this processor has. `index` counts CUDA
   * devices from 0; `threads` is what a model's nodes that stay on the processor get. Throws `DEVICE_UNAVAILABLE`.
   */
  constructor(
    options:
      | { readonly type: 'cpu'; readonly threads: number; readonly simd?: Simd }
      | { readonly type: 'cuda'; readonly index: number; readonly threads: number },
  )
  readonly type: 'cpu' | 'cuda'
  /** Which CUDA device; 0 on the processor. */
  readonly index: number
  readonly threads: number
  /** The processor's variant. */
  readonly simd: Simd
  /** Bytes held by this device's tensors now. */
  readonly allocatedBytes: number
  dispose(): void
}
export type Simd = 'baseline' | 'avx2' | 'avx512'
/** Kernel variants that this processor can run, best last. */
export function simdVariants(): readonly Simd[]

export interface CudaDevice {
  readonly name: string
  /** Compute capability, "9.0". */
  readonly architecture: string
  readonly memoryBytes: number
  /** Why it cannot be used; empty where it can. */
  readonly fault: string
}
export interface CudaPresence {
  /** CUDA version that the driver supports, "13.0"; empty where there is no driver. */
  readonly driver: string
  /** CUDA version in this build; empty where there is none. */
  readonly runtime: string
  readonly devices: readonly CudaDevice[]
  /** Why none can be used; empty where one can. */
  readonly reason: string
}
/** What there is of CUDA. */
export function cudaPresence(): CudaPresence
/** Those of the libraries (file names) that the dynamic linker does not find. */
export function missingLibraries(names: readonly string[]): readonly string[]

/** One ordered queue of ops; on a CUDA device also a stream, and an op's promise settles when the device has run it. */
export class Stream {
  constructor(device: Device)
  /** Stops the running op soon (a model run included) and rejects it and all that follow, for good, with `ABORTED`. */
  cancel(): void
  /** Releases the queue once what was enqueued has ended. */
  dispose(): void
}

/** Row-major memory on a device. Owned by JavaScript; freed by `dispose`, or by the finaliser. */
export class Tensor<D extends DType = DType> {
  /** Allocates; contents are undefined. Throws `OUT_OF_MEMORY`. */
  constructor(device: Device, dtype: D, shape: Shape)
  /**
   * Uses the caller's memory without a copy, on the processor alone; the array is kept alive until the tensor is disposed. Its buffer may
   * not be transferred (postMessage, structuredClone) while an op that uses it waits or runs.
   */
  static wrap(device: Device, data: Float32Array, shape: Shape): Tensor<'float32'>
  static wrap(device: Device, data: Float64Array, shape: Shape): Tensor<'float64'>
  static wrap(device: Device, data: Uint8Array, shape: Shape): Tensor<'uint8'>
  static wrap(device: Device, data: BigInt64Array, shape: Shape): Tensor<'int64'>
  readonly dtype: D
  readonly shape: Shape
  readonly byteLength: number
  /** A copy of `rows` rows (default: all) from row `first` (default: 0) on, as they are now: await the ops that write them. */
  read(rows?: number, first?: number): ArrayOf[D]
  /** Copies `data` to the start of the tensor now: no op that uses it may be under way. */
  write(data: ArrayOf[D]): void
  dispose(): void
}

export interface TensorInfo {
  readonly name: string
  readonly dtype: DType | 'float16' | 'int32' | 'bool' | 'other'
  /** -1 where the model leaves a dimension open. */
  readonly shape: Shape
}

/** A model in ONNX Runtime, bound to a device's tensors. Safe for several streams at once. */
export class Session {
  /** Throws `MODEL_UNREADABLE`, `MODEL_UNSUPPORTED`, `DEVICE_UNAVAILABLE` or `OUT_OF_MEMORY`. */
  static open(
    device: Device,
    options: {
      readonly model: Uint8Array
      /** Where the model's external data is looked up. */
      readonly externalFolder?: string
      readonly threads: number
      /** `none` only infers types and shapes fast; it is not meant to be run. */
      readonly optimization: 'all' | 'none'
      /** What matrices are multiplied in; `tf32` only says something to a CUDA device. */
      readonly precision?: 'fp32' | 'tf32'
    },
  ): Promise<Session>
  readonly inputs: readonly TensorInfo[]
  readonly outputs: readonly TensorInfo[]
  /** Runs on the first `rows` rows of every tensor. Results are written into `outputs`' tensors. */
  run(
    stream: Stream,
    bindings: {
      readonly inputs: Readonly<Record<string, Tensor>>
      readonly outputs: Readonly<Record<string, Tensor>>
      readonly rows: number
    },
  ): Promise<Milliseconds>
  dispose(): void
}

/**
 * The elements of `from` into `to`, of the same type and shape: within the stream's device, or between it and a tensor in
 * the processor's memory (`new Device({ type: 'cpu' })`). The only copy between devices that does not hold the event loop.
 */
export function copy<D extends DType>(stream: Stream, from: Tensor<D>, to: Tensor<D>): Promise<Milliseconds>

/** `rgba` (H x W x 4, uint8) onto white into `rgb` (H x W x 3): `(v*a + 255*(255-a) + 127) div 255`. */
export function flatten(stream: Stream, rgba: Tensor<'uint8'>, rgb: Tensor<'uint8'>): Promise<Milliseconds>

/** The part `band` of a level of the photo (H x W x 3), into the first 3 x band.height x band.width floats of `out`. */
export function pyramid(
  stream: Stream,
  photo: Tensor<'uint8'>,
  options: Resize & { readonly band: Rect },
  out: Tensor<'float32'>,
): Promise<Milliseconds>

/**
 * Windows of a level of the photo (H x W x 3) into consecutive rows of a batch (N x 3 x h x w), the first at row
 * `slot`: what `pyramid` and `gather` give, to the bit, without the level between. Cheaper where windows overlap
 * little. `origins`: y, x of each window in level pixels.
 */
export function patches(
  stream: Stream,
  photo: Tensor<'uint8'>,
  options: Resize & { readonly window: Size; readonly origins: Int32Array; readonly slot: number },
  batch: Tensor<'float32'>,
): Promise<Milliseconds>

/**
 * Cuts windows out of a band (as `pyramid` left it) into consecutive rows of a batch (N x 3 x h x w, or
 * N x h x w x 3), the first at row `slot`. `origins`: y, x of each window in band pixels.
 */
export function gather(
  stream: Stream,
  band: Tensor<'float32'>,
  options: {
    readonly band: Size
    readonly window: Size
    readonly origins: Int32Array
    readonly layout: 'NCHW' | 'NHWC'
    readonly slot: number
  },
  batch: Tensor<'float32'>,
): Promise<Milliseconds>

/**
 * Scores of the first `rows.length` rows of `logits` (n x K, float32) for each target class: `scores`
 * (N x targets x 2, float64) gets at row `rows[i]` the target's logit and its log-probability (log-softmax or
 * log-sigmoid); NaN where any logit of that row is not finite.
 */
export function score(
  stream: Stream,
  logits: Tensor<'float32'>,
  options: {
    readonly targets: Int32Array
    readonly activation: 'softmax' | 'sigmoid'
    readonly rows: Int32Array
  },
  scores: Tensor<'float64'>,
): Promise<Milliseconds>

/**
 * `sum_c weights[i,c] * activations[i,c]` of the first `rows.length` rows, into row `rows[i]` of `maps` (N x u x v);
 * its relu with `rectify`. `peaks[rows[i]]` gets the map's maximum, NaN where the map is not finite.
 * `activations`: n x C x u x v; `weights`: n x C.
 */
export function camReduce(
  stream: Stream,
  activations: Tensor<'float32'>,
  weights: Tensor<'float32'>,
  options: { readonly rows: Int32Array; readonly rectify: boolean },
  maps: Tensor<'float32'>,
  peaks: Tensor<'float32'>,
): Promise<Milliseconds>

/** Windows to fuse, and how. */
export interface Fusion {
  readonly window: Size
  /** height, width of each level. */
  readonly levels: Int32Array
  /** row of `maps`, level, y, x of each window, in window order. */
  readonly windows: Int32Array
  /** of each window, in [0, inf). */
  readonly weights: Float32Array
  readonly mode: 'mean' | 'max' | 'average'
  readonly theta: number
  /** Whether `norm(relu(up(map)))` is fused instead of `norm(up(map))`; zeros where nothing is above 0. */
  readonly rectify: boolean
}

/**
 * Fuses the windows' maps into `out` (H x W): each row of `maps` (N x u x v) is upsampled to the window (as it is where
 * u x v is the window), min-max normalised (flat: zeros), weighed, calibrated to the photo's pixels and folded in, in
 * the order given.
 */
export function fuse(
  stream: Stream,
  maps: Tensor<'float32'>,
  options: Fusion,
  out: Tensor<'float32'>,
): Promise<Milliseconds>

/**
 * The same for some of the windows, into running sums (2 x H x W): plane 0 holds the sum or the maximum, plane 1, which
 * only `mean` touches, the count. Plane 0 is multiplied by `rescale` first; with 1 all stays as it is, and any partition
 * of the windows ends in the bits of `fuse`; with 0 the sums begin here, count included, and the memory's content is
 * not read. So a factor that underflows to 0 has to be kept above it (`Number.MIN_VALUE` will do). `theta` above 0
 * needs weights that are final: `rescale` 0 or 1. No windows: only rescaled. After a rejection the sums are undefined.
 */
export function fold(
  stream: Stream,
  maps: Tensor<'float32'>,
  options: Fusion & { readonly rescale: number },
  sums: Tensor<'float32'>,
): Promise<Milliseconds>

/**
 * The fused map (H x W) of running sums (2 x H x W): sum / count (0 where the count is 0), the maximum, or
 * sum / `windows`, the number of all windows that were folded.
 */
export function finish(
  stream: Stream,
  sums: Tensor<'float32'>,
  options: { readonly mode: 'mean' | 'max' | 'average'; readonly windows: number },
  out: Tensor<'float32'>,
): Promise<Milliseconds>

/**
 * Rows `rows` of `maps` (N x u x v), upsampled to the window, rectified where `rectify` says so, and min-max normalised
 * (flat: zeros), into `out` (n x h x w).
 */
export function upsample(
  stream: Stream,
  maps: Tensor<'float32'>,
  options: { readonly rows: Int32Array; readonly rectify: boolean },
  out: Tensor<'float32'>,
): Promise<Milliseconds>

/** Separable Gaussian over `map` (H x W) into `out`, reflect-101 border. `size` is odd. */
export function smooth(
  stream: Stream,
  map: Tensor<'float32'>,
  options: { readonly size: number; readonly sigma: number },
  out: Tensor<'float32'>,
): Promise<Milliseconds>

/**
 * Grey maps of the first `rows.length` gradients (n x C x h x w, or n x h x w x C), into row `rows[i]` of `maps`
 * (N x h x w): `clip((q - lo) / (hi - lo), 0, 1)` of `q = sum_c |G|`, `hi` its 99th percentile (linear between order
 * statistics) and `lo` its minimum; zeros where both are equal. `peaks[rows[i]]` gets the map's maximum; NaN, and a map
 * of zeros, where any gradient of that image is not finite.
 */
export function grey(
  stream: Stream,
  gradients: Tensor<'float32'>,
  options: { readonly rows: Int32Array; readonly layout: 'NCHW' | 'NHWC' },
  maps: Tensor<'float32'>,
  peaks: Tensor<'float32'>,
): Promise<Milliseconds>

/**
 * `out[i] = input[i] + sigma_i * z` for the first `windows.length` images of `input` (N x ...; `out` has its shape):
 * `sigma_i = strength * (max - min of input[i])`, z normal numbers made from `seed`, the window's index `windows[i]`,
 * `copy` and the element's place alone, so they depend on no batch, thread or instruction set. `seed`: a whole number
 * from 0 to 2^53 - 1.
 */
export function noise(
  stream: Stream,
  input: Tensor<'float32'>,
  options: {
    readonly windows: Int32Array
    readonly copy: number
    readonly seed: number
    readonly strength: number
  },
  out: Tensor<'float32'>,
): Promise<Milliseconds>

/** The first `rows` rows of `out` become `factor * from`, or have it added; `from` and `out` have one shape. */
export function accumulate(
  stream: Stream,
  from: Tensor<'float32'>,
  options: { readonly rows: number; readonly factor: number; readonly mode: 'set' | 'add' },
  out: Tensor<'float32'>,
): Promise<Milliseconds>

/**
 * Smallest value, largest value and variance, over its u x v samples, of each channel of the first `rows` rows of
 * `features` (N x C x u x v), into `ranges` (N x C x 3); NaN, all three, where a sample of the channel is not finite.
 */
export function channelRanges(
  stream: Stream,
  features: Tensor<'float32'>,
  options: { readonly rows: number },
  ranges: Tensor<'float32'>,
): Promise<Milliseconds>

/**
 * `groups[i,k] = relu(sum of weights[i,c] * activations[i,c] over the channels c of group k)` for the first `rows` rows:
 * `activations` n x C x u x v, `weights` n x C, `groups` N x G x u x v. `assignment`: the group of each channel of each
 * row (rows x C), 0 to G - 1, or -1 where the channel is in none. A group without channels is zeros.
 */
export function groupReduce(
  stream: Stream,
  activations: Tensor<'float32'>,
  weights: Tensor<'float32'>,
  options: { readonly rows: number; readonly assignment: Int32Array },
  groups: Tensor<'float32'>,
): Promise<Milliseconds>

/** Which copies to make: image (row), and what the op does to it (a channel, a number of a mask), of each copy. */
export interface Copies {
  readonly pairs: Int32Array
}

/**
 * Copy j of an image, `x * m + background * (1 - m)`, into row j of `out`: x and background are row `pairs[2j]` of
 * `images` and `background` (N x 3 x h x w, or N x h x w x 3), m in [0, 1] is `norm(up())` of channel `pairs[2j+1]` of
 * the same row of `features` (N x F x u x v). Without a background: zeros, the mean colour. A flat channel masks
 * everything.
 */
export function maskBatch(
  stream: Stream,
  images: Tensor<'float32'>,
  background: Tensor<'float32'> | null,
  features: Tensor<'float32'>,
  options: Copies & { readonly layout: 'NCHW' | 'NHWC' },
  out: Tensor<'float32'>,
): Promise<Milliseconds>

/**
 * Separable Gaussian over each channel of the first `rows` of `images` (N x 3 x h x w, or N x h x w x 3) into `out` of
 * the same shape, reflect-101 border. `size` is odd, `sigma` in pixels.
 */
export function blur(
  stream: Stream,
  images: Tensor<'float32'>,
  options: {
    readonly rows: number
    readonly layout: 'NCHW' | 'NHWC'
    readonly size: number
    readonly sigma: number
  },
  out: Tensor<'float32'>,
): Promise<Milliseconds>

/**
 * Copy j, row `pairs[2j]` of `activations` (2 to 5 dimensions) with channel `pairs[2j+1]` set to 0, into row j of `out`.
 * `axis`: the dimension of the channels (1 for N x C x u x v, 3 for N x u x v x C, 2 for tokens N x T x C).
 */
export function ablate(
  stream: Stream,
  activations: Tensor<'float32'>,
  options: Copies & { readonly axis: number },
  out: Tensor<'float32'>,
): Promise<Milliseconds>

/**
 * The masks of RISE (Petsiuk, Das, Saenko 2018), each for an image of h x w: cells of ceil(h / grid) x ceil(w / grid)
 * pixels; a grid of (grid + 1)^2 values, 1 with probability `keep` and 0 otherwise, is upsampled bilinearly to as many
 * cells, shifted by 0 to cell - 1 pixels on each axis and cropped to the image. A mask depends on these numbers, the
 * image's size and its own number alone, not on batches, threads or instruction sets. `seed`: a whole number from 0 to
 * 2^53 - 1; `keep` in (0, 1].
 */
export interface RiseMasks {
  readonly seed: number
  readonly grid: number
  readonly keep: number
}

/**
 * Copy j, image `pairs[2j]` of `images` (N x 3 x h x w, or N x h x w x 3) times RISE's mask number `pairs[2j+1]`, into
 * row j of `out`. Masks are made as they are needed, never stored.
 */
export function riseMask(
  stream: Stream,
  images: Tensor<'float32'>,
  options: Copies & RiseMasks & { readonly layout: 'NCHW' | 'NHWC' },
  out: Tensor<'float32'>,
): Promise<Milliseconds>

/**
 * RISE's map of each row of `weights` (n x M, M the number of masks), `sum_m weights[i,m] * mask_m / (M * keep)`, into
 * row `rows[i]` of `maps` (N x h x w). `peaks[rows[i]]` gets the map's maximum, NaN where the map is not finite.
 */
export function riseReduce(
  stream: Stream,
  weights: Tensor<'float32'>,
  options: RiseMasks & { readonly rows: Int32Array },
  maps: Tensor<'float32'>,
  peaks: Tensor<'float32'>,
): Promise<Milliseconds>

/**
 * Copy j, image r of `images` (N x 3 x h x w, or N x h x w x 3) with the rectangle of `size` at y, x set to 0, into row
 * j of `out`. `squares`: r, y, x of each copy; the rectangle lies inside the image.
 */
export function occlude(
  stream: Stream,
  images: Tensor<'float32'>,
  options: { readonly squares: Int32Array; readonly size: Size; readonly layout: 'NCHW' | 'NHWC' },
  out: Tensor<'float32'>,
): Promise<Milliseconds>

/**
 * The mean at each pixel of `weights[i,s]` (n x S) over the rectangles s that cover it, 0 where none does, into row
 * `rows[i]` of `maps` (N x h x w). `squares`: y, x of each of the S rectangles of `size`. `peaks[rows[i]]` gets the
 * map's maximum, NaN where the map is not finite.
 */
export function occlusionReduce(
  stream: Stream,
  weights: Tensor<'float32'>,
  options: { readonly rows: Int32Array; readonly squares: Int32Array; readonly size: Size },
  maps: Tensor<'float32'>,
  peaks: Tensor<'float32'>,
): Promise<Milliseconds>

/**
 * `photo` (H x W x 3, uint8) under the colours of `map` (H x W): `t = clamp((map - low) / (high - low), 0, 1)`
 * picks the colour from `colors` (256 x 3, uint8), blended with opacity `alpha`, or `alpha * t`.
 */
export function overlay(
  stream: Stream,
  photo: Tensor<'uint8'>,
  map: Tensor<'float32'>,
  options: {
    readonly colors: Uint8Array
    readonly low: number
    readonly high: number
    readonly alpha: number
    readonly opacity: 'constant' | 'by-value'
  },
  out: Tensor<'uint8'>,
): Promise<Milliseconds>
