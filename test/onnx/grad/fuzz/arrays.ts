/** Plain row-major arrays of doubles: the oracle's only data type. */
export interface Doubles {
  readonly dims: readonly number[]
  readonly data: Float64Array
}

export function count(dims: readonly number[]): number {
  return dims.reduce((a, b) => a * b, 1)
}

/** An array filled by index; `index` is one buffer, overwritten between calls. */
export function build(dims: readonly number[], value: (index: readonly number[]) => number): Doubles {
  const data = new Float64Array(count(dims))
  const index = dims.map(() => 0)
  for (let i = 0; i < data.length; i++) {
    data[i] = value(index)
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1
      index[axis] = next === dims[axis] ? 0 : next
      if (next !== dims[axis]) break
    }
  }
  return { dims, data }
}

export function flat(dims: readonly number[], index: readonly number[]): number {
  let offset = 0
  for (let axis = 0; axis < dims.length; axis++) offset = offset * (dims[axis] ?? 1) + (index[axis] ?? 0)
  return offset
}

export function at({ dims, data }: Doubles, index: readonly number[]): number {
  return data[flat(dims, index)] ?? Number.NaN
}

/** The entry that broadcasting puts at `index` of a result of possibly higher rank. */
export function broadcastAt({ dims, data }: Doubles, index: readonly number[]): number {
  const lead = index.length - dims.length
  let offset = 0
  for (let axis = 0; axis < dims.length; axis++) {
    const length = dims[axis] ?? 1
    offset = offset * length + (length === 1 ? 0 : (index[axis + lead] ?? 0))
  }
  return data[offset] ?? Number.NaN
}

export function broadcastDims(...shapes: readonly (readonly number[])[]): readonly number[] {
  const rank = Math.max(...shapes.map((dims) => dims.length))
  return Array.from({ length: rank }, (_, axis) =>
    shapes.reduce((length, dims) => {
      const own = dims[axis - rank + dims.length] ?? 1
      return own === 1 ? length : own
    }, 1),
  )
}

export function map(x: Doubles, value: (x: number) => number): Doubles {
  return { dims: x.dims, data: x.data.map(value) }
}
