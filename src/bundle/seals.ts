import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'

/** A field of a bundle that is not what it was when the bundle was written. */
interface BrokenSeal {
  /** As in `options.step`. */
  readonly field: string
  readonly what: string
}

/**
 * SHA-256 of the canonical JSON (RFC 8785) of each field, and of each of its own where it is an object: what was edited
 * later can then be named. It guards against slips, not against someone who seals again.
 */
export function sealsOf(content: object): Readonly<Record<string, string>> {
  return Object.fromEntries(fieldsOf(content).map(([field, value]) => [field, sealOf(value)]))
}

export function brokenSeals(content: object, seals: Readonly<Record<string, string>>): readonly BrokenSeal[] {
  const fields = new Map(fieldsOf(content))
  const sealed = new Map(Object.entries(seals))
  const broken: BrokenSeal[] = []
  for (const [field, value] of fields) {
    const seal = sealed.get(field)
    if (seal === undefined) broken.push({ field, what: `the bundle says ${shown(value)}, which was never sealed` })
    else if (seal !== sealOf(value)) {
      broken.push({ field, what: `the bundle says ${shown(value)}, and another value was sealed` })
    }
  }
  for (const field of sealed.keys()) {
    if (!fields.has(field)) broken.push({ field, what: 'a value was sealed, and the bundle has none' })
  }
  return broken
}

/** What the text `bundle.json` holds of it: undefined fields are none. */
function fieldsOf(content: object): readonly (readonly [string, unknown])[] {
  return Object.entries(content)
    .flatMap(([name, value]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.entries(value).map(([key, inner]) => [`${name}.${key}`, inner] as const)
        : [[name, value] as const],
    )
    .filter(([, value]) => value !== undefined)
}

function sealOf(value: unknown): string {
  return createHash('sha256')
    .update(canonicalize(value) ?? '')
    .digest('hex')
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 80 ? `${text.slice(0, 80)}...` : text
}
