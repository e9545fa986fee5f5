import { plainJson } from '../io/json.ts'
import type { ResolvedOptions } from '../resolved-options.ts'
import type { Again } from './document.ts'

type FlagValue = string | number | boolean | readonly (string | number)[] | undefined

/** Options of the command line by their names in the library: `{ preFilter: 0.5, smooth: false }`. */
export type Flags = Readonly<Record<string, FlagValue>>

/** What a command line says besides the options of a map. */
export interface Origin {
  /** The photo's path. */
  readonly image: string
  /** Model, device and what overrides a manifest: `{ model: 'classifier.onnx', threads: 2 }`. */
  readonly flags?: Flags | undefined
}

/** Flags that are on unless they are said to be off. */
const onByDefault: ReadonlySet<string> = new Set(['sess', 'smooth', 'antialias', 'caption'])
/** Flags that are given once for each of several values; the others take a list. */
const repeated: ReadonlySet<string> = new Set(['target', 'output', 'map', 'model', 'method'])

/** A line for a POSIX shell; control characters are written with `$'...'`, which bash, zsh and ksh read. */
export function commandLine(command: string, image: string, flags: Flags): string {
  const words = Object.entries(flags).flatMap(([name, value]) => flagWords(name, value))
  // Last, and behind `--` where it would be taken for an option
  const operand = image.startsWith('-') ? ['--', image] : [image]
  return ['sess', command, ...words, ...operand].map(shellQuoted).join(' ')
}

function flagWords(name: string, value: FlagValue): readonly string[] {
  const kebab = name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)
  if (value === undefined) return []
  if (value === true) return onByDefault.has(name) ? [] : [`--${kebab}`]
  if (value === false) return onByDefault.has(name) ? [`--no-${kebab}`] : []
  if (typeof value !== 'object') return valueWords(kebab, String(value))
  if (repeated.has(name)) return value.flatMap((one) => valueWords(kebab, String(one)))
  return valueWords(kebab, value.join(','))
}

/** A value that begins with a dash stands in the flag's own word. */
function valueWords(kebab: string, value: string): readonly string[] {
  return value.startsWith('-') ? [`--${kebab}=${value}`] : [`--${kebab}`, value]
}

export function shellQuoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  if (!/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`
  const escaped = word.replace(/[\\'\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    if (character === '\\' || character === "'") return `\\${character}`
    // Byte by byte: three octal digits end by themselves
    return [...Buffer.from(character)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')
  })
  return `$'${escaped}'`
}

/** The gaussian that the command line's smoothing stands for. */
const smoothing = { size: 11, sigma: 5 } as const

/**
 * The options of `sess explain` that make a map again. Undefined where only the library can say it: a smoothing of its
 * own, or weights of the classes that the target is held against.
 */
export function explainFlags(options: ResolvedOptions): Flags | undefined {
  const { smooth, against = [], keepMaps: _, target, ...rest } = options
  const isUsual = !smooth || (smooth.size === smoothing.size && smooth.sigma === smoothing.sigma)
  const [other, ...others] = against
  if (!isUsual || others.length > 0 || (other !== undefined && other.weight !== 1)) return undefined
  return { target, against: other?.target, ...rest, smooth: smooth !== false }
}

/** How a map is made again: by a command where its origin is known, else by a call. */
export function againOf(options: ResolvedOptions, origin: Origin | undefined): Again {
  const flags = origin && explainFlags(options)
  if (origin === undefined || flags === undefined) return callOf(options)
  return { kind: 'command', text: commandLine('explain', origin.image, { ...origin.flags, ...flags }) }
}

function callOf(options: ResolvedOptions): Again {
  return { kind: 'call', text: `await explainer.explain(photo, ${plainJson(JSON.stringify(options, undefined, 2))})` }
}
