/** What a `.json` output holds, in this order; keys as in the library. */
export interface Numbers {
  readonly image: { readonly name: string; readonly width: number; readonly height: number }
  readonly model: object
  readonly target: object
  readonly method: string
  readonly options: object
  readonly plan: object
  readonly windows: readonly object[]
  /** The windows that carry the map, the largest share of its energy first. */
  readonly topWindows: readonly object[]
  /** Share of the maximum from which a pixel belongs to an object; undefined where objects were not asked for. */
  readonly objectThreshold: number | undefined
  readonly objects: readonly object[] | undefined
  /** Indices of the windows that were left out because logits or map were not finite. */
  readonly nonfinite: readonly number[]
  readonly forwards: number
  readonly timings: object
  readonly versions: Readonly<Record<string, string>>
}

/** The form's version; it rises when a key changes its meaning or goes. */
const NUMBERS_SCHEMA = 1

/** The numbers as data: plain objects and arrays, and null where a number is not finite. */
export function numbersData(numbers: Numbers): { readonly schema: number } & Numbers {
  const { image, model, target, method, options, plan, windows, nonfinite, forwards, timings, versions } = numbers
  const { topWindows, objectThreshold, objects } = numbers
  const run = { plan, windows, topWindows, objectThreshold, objects, nonfinite, forwards, timings }
  return { schema: NUMBERS_SCHEMA, image, model, target, method, options, ...run, versions }
}

/** Indented down to the windows, one a line: a reader and `diff` can follow it, and it stays small. */
export function encodeNumbers(numbers: Numbers): string {
  return encodeFile(numbersData(numbers))
}

/** A JSON file: indented down to the entries of lists, one a line. */
export function encodeFile(value: object): string {
  return `${indent(value, 2)}\n`
}

/** JSON on one line. Typed arrays become arrays; NaN and the infinities become null, as JSON has none. */
export function encodeJson(value: unknown): string {
  const json = JSON.stringify(value, (_, v) => (ArrayBuffer.isView(v) ? Array.from(v as Float32Array) : v))
  return json && plainJson(json)
}

/**
 * The same JSON with escapes for what it leaves as it is and terminals obey: C1 controls, and what overrides the
 * direction of a text.
 */
export function plainJson(json: string): string {
  return json.replace(steering, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const steering = /[\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g

function indent(value: unknown, depth: number, margin = ''): string {
  const inner = `${margin}  `
  if (depth === 0 || typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) {
    return encodeJson(value) ?? 'null'
  }
  if (Array.isArray(value)) {
    if (value.length === 0 || value.every((v) => typeof v !== 'object')) return encodeJson(value)
    return `[\n${value.map((v) => inner + (encodeJson(v) ?? 'null')).join(',\n')}\n${margin}]`
  }
  const fields = Object.entries(value).filter(([, v]) => v !== undefined)
  if (fields.length === 0) return '{}'
  const lines = fields.map(([key, v]) => `${inner}${JSON.stringify(key)}: ${indent(v, depth - 1, inner)}`)
  return `{\n${lines.join(',\n')}\n${margin}}`
}
