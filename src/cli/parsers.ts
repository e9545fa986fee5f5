import { Option } from 'commander'
import { invalidOption } from '../error.ts'
import { isRange } from '../render/overlay.ts'

// How the values of options are read. Each parser names its flag where a value does not fit.

type Parser = (flag: string) => (text: string) => unknown

/** An option whose value is read by `parser`; a second one would make the first go unheard, and is refused. */
export function option(flags: string, description: string, parser: Parser): Option {
  const flag = flags.split(/[ ,]/, 1)[0] ?? flags
  const read = parser(flag)
  let isGiven = false
  return new Option(flags, description).argParser((value: string) => {
    if (isGiven) throw invalidOption(flag, value, 'to be given once')
    isGiven = true
    return read(value)
  })
}

export function collect(flag: string): (value: string, previous: readonly string[] | undefined) => readonly string[] {
  return (value, previous) => [...(previous ?? []), text(flag)(value) as string]
}

/** Plain decimal notation; `Number` alone takes "", " 1" and "0x10" as well. */
function parsed(value: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? Number(value) : Number.NaN
}

export const text: Parser = (flag) => (value) => {
  if (value === '') throw invalidOption(flag, value, 'something')
  return value
}

export function oneOf(...names: readonly string[]): Parser {
  return (flag) => (value) => {
    if (!names.includes(value)) throw invalidOption(flag, value, `one of ${names.join(', ')}`)
    return value
  }
}

/** What stands between commas, each taken by `item`. */
export function list(item: Parser): Parser {
  return (flag) => (value) => value.split(',').map((part) => item(flag)(part.trim()))
}

/** A list of which nothing stands twice. */
export function set(item: Parser): Parser {
  return (flag) => (value) => {
    const items = value.split(',').map((part) => item(flag)(part.trim()))
    if (new Set(items).size < items.length) throw invalidOption(flag, value, 'each of them once')
    return items
  }
}

export function integer(low: number, high = Number.MAX_SAFE_INTEGER): Parser {
  return (flag) => (value) => {
    const number = parsed(value)
    if (Number.isSafeInteger(number) && number >= low && number <= high) return number
    const range = high === Number.MAX_SAFE_INTEGER ? `from ${low}` : `from ${low} to ${high}`
    throw invalidOption(flag, value, `a whole number ${range}`)
  }
}

/** `ends`: whether the bounds themselves fit: both, the lower one, the upper one, or none. */
export function real(
  low: number,
  high = Number.POSITIVE_INFINITY,
  ends: 'with' | 'below' | 'above' | 'within' = 'with',
): Parser {
  const [takesLow, takesHigh] = [ends === 'with' || ends === 'below', ends === 'with' || ends === 'above']
  return (flag) => (value) => {
    const number = parsed(value)
    const isAbove = takesLow ? number >= low : number > low
    const isBelow = takesHigh ? number <= high : number < high
    if (isAbove && isBelow && Number.isFinite(number)) return number
    const start = takesLow ? `from ${low}` : `above ${low}`
    const end = high === Number.POSITIVE_INFINITY ? '' : takesHigh ? ` to ${high}` : ` to below ${high}`
    throw invalidOption(flag, value, `a number ${start}${end}`)
  }
}

export function numbers(count: number, sign: 'any' | 'positive' = 'any'): Parser {
  return (flag) => (value) => {
    const list = value.split(',').map(parsed)
    const fits = list.every((v) => Number.isFinite(v) && (sign === 'any' || v > 0))
    if (list.length === count && fits) return list
    throw invalidOption(flag, value, `${count} numbers${sign === 'any' ? '' : ' above 0'}, such as 0.5,0.5,0.5`)
  }
}

export const device: Parser = (flag) => (value) => {
  if (/^(auto|cpu|cuda|cuda:\d{1,3})$/.test(value)) return value
  throw invalidOption(flag, value, 'auto, cpu, cuda or cuda:N')
}

export const batch: Parser = (flag) => (value) => {
  if (value === 'auto') return value
  const number = parsed(value)
  if (Number.isSafeInteger(number) && number >= 1) return number
  throw invalidOption(flag, value, 'a whole number from 1, or auto')
}

export const grid: Parser = (flag) => (value) => {
  const sides = value.split(',').map(parsed)
  if (sides.length === 2 && sides.every((side) => Number.isSafeInteger(side) && side >= 1)) return sides
  throw invalidOption(flag, value, 'rows and columns of patches, such as 14,14')
}

export const step: Parser = (flag) => (value) => {
  const list = value.split(',').map(parsed)
  const fits = list.length <= 2 && list.every((v) => Number.isSafeInteger(v) && v >= 1)
  if (!fits) throw invalidOption(flag, value, 'a whole number from 1, or two as Y,X')
  return list.length === 1 ? list[0] : list
}

export const range: Parser = (flag) => (value) => {
  if (value === 'auto') return value
  const ends = value.split(',').map(parsed)
  if (isRange(ends)) return ends
  throw invalidOption(flag, value, 'auto, or two ascending numbers such as 0,1')
}

export const scales: Parser = (flag) => (value) => {
  const list = value.split(',').map(parsed)
  const fits = list.every((v, i) => Number.isSafeInteger(v) && v >= 1 && v > (list[i - 1] ?? 0))
  if (!fits) {
    throw invalidOption(
      flag,
      value,
      'a count, a scale from the window up, or a strictly ascending list such as 224,288,352',
    )
  }
  return value.includes(',') ? list : list[0]
}
