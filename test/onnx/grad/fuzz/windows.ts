import type { NodeProto } from 'onnx-buf'
import { intAttribute, intsAttribute, stringAttribute } from '../../../../src/onnx/messages.ts'
import { build, type Doubles, flat } from './arrays.ts'

/** One spatial axis of a sliding window. */
interface Axis {
  readonly kernel: number
  readonly stride: number
  readonly dilation: number
  readonly begin: number
  readonly end: number
}

function axesOf(node: NodeProto, kernel: readonly number[], sizes: readonly number[]): readonly [Axis, Axis] {
  const pads = intsAttribute(node, 'pads')
  const auto = stringAttribute(node, 'auto_pad', 'NOTSET')
  const axis = (i: number): Axis => {
    const k = kernel[i] ?? 1
    const stride = intsAttribute(node, 'strides')?.[i] ?? 1
    const dilation = intsAttribute(node, 'dilations')?.[i] ?? 1
    const size = sizes[i] ?? 1
    const missing = Math.max(0, (Math.ceil(size / stride) - 1) * stride + (k - 1) * dilation + 1 - size)
    const [small, large] = [Math.floor(missing / 2), Math.ceil(missing / 2)]
    if (auto === 'SAME_UPPER') return { kernel: k, stride, dilation, begin: small, end: large }
    if (auto === 'SAME_LOWER') return { kernel: k, stride, dilation, begin: large, end: small }
    return { kernel: k, stride, dilation, begin: pads?.[i] ?? 0, end: pads?.[i + 2] ?? 0 }
  }
  return [axis(0), axis(1)]
}

const reach = ({ kernel, dilation }: Axis): number => (kernel - 1) * dilation + 1

function outputLength(axis: Axis, size: number, ceil: boolean): number {
  const steps = (size + axis.begin + axis.end - reach(axis)) / axis.stride
  const length = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1
  // A window that would begin in the padding behind the image is left out
  return ceil && (length - 1) * axis.stride >= size + axis.begin ? length - 1 : length
}

/** Calls `visit` for each tap of the window at output (i, j): input row and column, and the tap's place. */
function taps(
  [rows, columns]: readonly [Axis, Axis],
  i: number,
  j: number,
  visit: (y: number, x: number, p: number, q: number) => void,
): void {
  for (let p = 0; p < rows.kernel; p++) {
    for (let q = 0; q < columns.kernel; q++) {
      visit(
        i * rows.stride + p * rows.dilation - rows.begin,
        j * columns.stride + q * columns.dilation - columns.begin,
        p,
        q,
      )
    }
  }
}

function conv(node: NodeProto, [x, w, bias]: readonly Doubles[]): Doubles | undefined {
  if (x === undefined || w === undefined) return undefined
  const [n = 1, , height = 1, width = 1] = x.dims
  const [m = 1, perGroup = 1, kh = 1, kw = 1] = w.dims
  const axes = axesOf(node, [kh, kw], [height, width])
  const each = m / intAttribute(node, 'group', 1)
  const dims = [n, m, outputLength(axes[0], height, false), outputLength(axes[1], width, false)]
  return build(dims, ([image = 0, channel = 0, i = 0, j = 0]) => {
    let sum = bias?.data[channel] ?? 0
    const first = Math.floor(channel / each) * perGroup
    taps(axes, i, j, (row, column, p, q) => {
      if (row < 0 || column < 0 || row >= height || column >= width) return
      for (let c = 0; c < perGroup; c++) {
        const value = x.data[flat(x.dims, [image, first + c, row, column])] ?? 0
        sum += value * (w.data[flat(w.dims, [channel, c, p, q])] ?? 0)
      }
    })
    return sum
  })
}

function convTranspose(node: NodeProto, [x, w, bias]: readonly Doubles[]): Doubles | undefined {
  if (x === undefined || w === undefined) return undefined
  const [n = 1, channels = 1, height = 1, width = 1] = x.dims
  const [, perGroup = 1, kh = 1, kw = 1] = w.dims
  const axes = axesOf(node, [kh, kw], [height, width])
  const extra = intsAttribute(node, 'output_padding') ?? [0, 0]
  const groups = intAttribute(node, 'group', 1)
  const [rows, columns] = axes.map(
    (axis, i) => ((i === 0 ? height : width) - 1) * axis.stride + reach(axis) - axis.begin - axis.end + (extra[i] ?? 0),
  )
  const y = build([n, perGroup * groups, rows ?? 1, columns ?? 1], ([, channel = 0]) => bias?.data[channel] ?? 0)
  build(x.dims, ([image = 0, c = 0, i = 0, j = 0]) => {
    const value = x.data[flat(x.dims, [image, c, i, j])] ?? 0
    const first = Math.floor(c / (channels / groups)) * perGroup
    taps(axes, i, j, (row, column, p, q) => {
      if (row < 0 || column < 0 || row >= (rows ?? 1) || column >= (columns ?? 1)) return
      for (let k = 0; k < perGroup; k++) {
        const place = flat(y.dims, [image, first + k, row, column])
        y.data[place] = (y.data[place] ?? 0) + value * (w.data[flat(w.dims, [c, k, p, q])] ?? 0)
      }
    })
    return 0
  })
  return y
}

function pool(node: NodeProto, [x]: readonly Doubles[]): Doubles | undefined {
  if (x === undefined) return undefined
  const [n = 1, channels = 1, height = 1, width = 1] = x.dims
  const axes = axesOf(node, intsAttribute(node, 'kernel_shape') ?? [], [height, width])
  const ceil = intAttribute(node, 'ceil_mode', 0) === 1
  const countsPads = intAttribute(node, 'count_include_pad', 0) === 1
  const dims = [n, channels, outputLength(axes[0], height, ceil), outputLength(axes[1], width, ceil)]
  return build(dims, ([image = 0, channel = 0, i = 0, j = 0]) => {
    let [sum, area, largest] = [0, 0, Number.NEGATIVE_INFINITY]
    taps(axes, i, j, (row, column) => {
      const isInside = row >= 0 && column >= 0 && row < height && column < width
      const isPad = row < height + axes[0].end && column < width + axes[1].end
      if (isInside || (countsPads && isPad)) area++
      if (!isInside) return
      const value = x.data[flat(x.dims, [image, channel, row, column])] ?? 0
      sum += value
      largest = Math.max(largest, value)
    })
    return node.opType === 'MaxPool' ? largest : sum / area
  })
}

function globalPool(node: NodeProto, [x]: readonly Doubles[]): Doubles | undefined {
  if (x === undefined) return undefined
  const [n = 1, channels = 1, ...pixels] = x.dims
  const size = pixels.reduce((a, b) => a * b, 1)
  return build([n, channels, ...pixels.map(() => 1)], ([image = 0, channel = 0]) => {
    const values = x.data.subarray((image * channels + channel) * size, (image * channels + channel + 1) * size)
    return node.opType === 'GlobalMaxPool' ? Math.max(...values) : values.reduce((a, b) => a + b, 0) / size
  })
}

const WINDOWS: Readonly<Record<string, (node: NodeProto, inputs: readonly Doubles[]) => Doubles | undefined>> = {
  AveragePool: pool,
  Conv: conv,
  ConvTranspose: convTranspose,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  MaxPool: pool,
}

/** Convolutions and pools over two spatial axes; undefined for other operators. */
export function windows(node: NodeProto, inputs: readonly Doubles[]): Doubles | undefined {
  return WINDOWS[node.opType]?.(node, inputs)
}
