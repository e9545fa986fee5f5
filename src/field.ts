import { z } from 'zod'

// What the fields of options are checked by.

/** A field of type T whose complaint says what is expected, whatever the value is. */
export const field = <T>(expected: string, test: (value: unknown) => boolean) =>
  z.custom<T>(test, { error: expected }).optional()

export const isInteger = (value: unknown, low: number, high = Number.MAX_SAFE_INTEGER): value is number =>
  Number.isSafeInteger(value) && Number(value) >= low && Number(value) <= high
export const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
export const isBoolean = (value: unknown) => typeof value === 'boolean'
export const isText = (value: unknown) => typeof value === 'string' && value !== ''
export const isList = (value: unknown, length: number, item: (value: unknown) => boolean) =>
  Array.isArray(value) && value.length === length && value.every(item)
export const oneOf = (names: readonly string[]) => (value: unknown) =>
  typeof value === 'string' && names.includes(value)
