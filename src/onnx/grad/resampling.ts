/** How one axis is resampled, in the words of ONNX's Resize. */
export interface Resampling {
  readonly mode: 'nearest' | 'linear' | 'cubic'
  readonly coordinates: Coordinates
  readonly rounding: Rounding
  /** Keys' a of the cubic kernel. */
  readonly cubicA: number
  /** Neighbours past the edge: the edge's number, or none and the others' weights scaled up. */
  readonly outside: 'edge' | 'excluded'
  /** Kernels widened where the axis shrinks. */
  readonly antialias: 'on' | 'off'
}

/** Lengths before and after, and the float32 factor between them as the operator gets it. */
export interface ResampledAxis {
  readonly from: number
  readonly to: number
  readonly scale: number
}

type Position = (i: number, axis: ResampledAxis) => number

const f = Math.fround

const halfPixel: Position = (i, { scale }) => f(f((i + 0.5) / scale) - 0.5)

/** Where in the input output `i` reads, in float32 as ONNX Runtime computes it. */
const POSITIONS = {
  half_pixel: halfPixel,
  half_pixel_symmetric: (i, axis) => {
    const adjustment = f(axis.to / f(axis.scale * axis.from))
    return f(f(f(axis.from / 2) * f(1 - adjustment)) + halfPixel(i, axis))
  },
  pytorch_half_pixel: (i, axis) => (axis.to > 1 ? halfPixel(i, axis) : 0),
  tf_half_pixel_for_nn: (i, { scale }) => f((i + 0.5) / scale),
  align_corners: (i, { from, to }) => (to === 1 ? 0 : f(f(i * (from - 1)) / (to - 1))),
  asymmetric: (i, { scale }) => f(i / scale),
} as const satisfies Record<string, Position>

type Coordinates = keyof typeof POSITIONS

/** `by_scale` is what operator sets before 11 do: up when shrinking, down when growing. */
const ROUNDINGS = {
  round_prefer_floor: (x: number) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x: number) => Math.floor(x + 0.5),
  floor: (x: number) => Math.floor(x),
  ceil: (x: number) => Math.ceil(x),
  by_scale: (x: number, scale: number) => (scale < 1 ? Math.ceil(x) : Math.trunc(x)),
} as const

type Rounding = keyof typeof ROUNDINGS

export function isCoordinates(mode: string): mode is Coordinates {
  return mode in POSITIONS
}

export function isRounding(mode: string): mode is Rounding {
  return mode in ROUNDINGS
}

/** For each output, the one place that it copies. */
export function nearestPlaces(axis: ResampledAxis, { coordinates, rounding }: Resampling): readonly number[] {
  return Array.from({ length: axis.to }, (_, i) => {
    const place = ROUNDINGS[rounding](POSITIONS[coordinates](i, axis), axis.scale)
    return clamp(place, axis.from)
  })
}

/** For each output, the weights of all inputs: `to` rows of `from`. */
export function resamplingMatrix(axis: ResampledAxis, how: Resampling): readonly (readonly number[])[] {
  const stretch = how.antialias === 'on' ? Math.max(1 / axis.scale, 1) : 1
  const radius = stretch * (how.mode === 'cubic' ? 2 : 1)
  const kernel = how.mode === 'cubic' ? cubic(how.cubicA) : triangle
  return Array.from({ length: axis.to }, (_, i) => {
    const position = axis.scale === 1 && axis.from === axis.to ? i : POSITIONS[how.coordinates](i, axis)
    const row = new Array<number>(axis.from).fill(0)
    for (let j = Math.ceil(position - radius); j <= position + radius; j++) {
      if (how.outside === 'excluded' && (j < 0 || j >= axis.from)) continue
      const place = clamp(j, axis.from)
      row[place] = (row[place] ?? 0) + kernel((j - position) / stretch)
    }
    const sum = row.reduce((a, b) => a + b, 0)
    return row.map((weight) => weight / sum)
  })
}

function clamp(place: number, length: number): number {
  return Math.min(Math.max(place, 0), length - 1)
}

function triangle(x: number): number {
  return Math.max(1 - Math.abs(x), 0)
}

/** Keys' cubic convolution. */
function cubic(a: number): (x: number) => number {
  return (x) => {
    const d = Math.abs(x)
    if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0
  }
}
