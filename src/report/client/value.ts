import type { Point, ShownMap } from './state.ts'

/** A map's value at a pixel of the photo; where the map is reduced, the mean of the square that the pixel is in. */
function cellAt({ grid, values }: ShownMap, { x, y }: Point): number {
  return values.values[Math.floor(y / grid.factor) * grid.width + Math.floor(x / grid.factor)] ?? Number.NaN
}

export function valueAt(map: ShownMap, at: Point): string {
  return number(cellAt(map, at))
}

/** Four digits. */
export function number(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : 'not finite'
}
