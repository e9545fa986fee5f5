import { readFile, stat } from 'node:fs/promises'
import { distance } from 'fastest-levenshtein'
import { invalidOption, SessError } from '../error.ts'
import { throwIfAborted } from '../io/abort.ts'

/** A million labels of 16 letters. */
const MAX_LABELS_BYTES = 2 ** 24

/** Labels of the option `labels`, in class order: a JSON array of strings, or one a line. */
export async function loadLabels(path: string, signal?: AbortSignal): Promise<readonly string[]> {
  try {
    return await readLabels(path, signal)
  } catch (cause) {
    throwIfAborted(signal)
    const expected = `a file with a JSON array or one label a line (${cause instanceof Error ? cause.message : cause})`
    throw new SessError('OPTION_INVALID', invalidOption('labels', path, expected).message, { cause })
  }
}

/** The labels of the option, read where it names a file. */
export async function givenLabels(
  labels: string | readonly string[],
  signal?: AbortSignal,
): Promise<readonly string[]> {
  return typeof labels === 'string' ? await loadLabels(labels, signal) : labels
}

/** Labels of another number of classes would name the wrong ones. @throws SessError `OPTION_INVALID` */
export function checkLabels(labels: readonly string[] | undefined, classes: number): readonly string[] | undefined {
  if (labels === undefined || labels.length === classes) return labels
  throw invalidOption('labels', `${labels.length} labels`, `one for each of the model's ${classes} classes`)
}

/** `loadLabels` for callers that know better what to say when it fails. */
export async function readLabels(path: string, signal?: AbortSignal): Promise<readonly string[]> {
  const { size } = await stat(path)
  if (size > MAX_LABELS_BYTES) throw new Error(`${size} bytes are too many for labels`)
  return parseLabels(await readFile(path, { encoding: 'utf8', signal }))
}

export function parseLabels(text: string): readonly string[] {
  const content = text.replace(/^\uFEFF/, '')
  if (!/^\s*[[{]/.test(content)) {
    const lines = content.trimEnd().split(/\r?\n/)
    if (lines.length === 1 && lines[0] === '') throw new Error('no labels in it')
    return lines.map((line) => line.trim())
  }
  const data: unknown = JSON.parse(content)
  if (!Array.isArray(data)) throw new Error('a JSON object instead of an array')
  if (data.length === 0) throw new Error('no labels in it')
  const odd = data.findIndex((label) => typeof label !== 'string')
  if (odd >= 0) throw new Error(`entry ${odd} is no text`)
  return data
}

/**
 * The class that a target names: a number or a string of digits is an index, anything else a label. A label is
 * compared without regard to case: the whole, else one of its synonyms ("lion, king of beasts"), else whole words of
 * it, else a part of it; the first of these that any label meets must be met by one class only.
 * `option` is where the name comes from.
 * @throws SessError `TARGET_UNKNOWN`, `TARGET_AMBIGUOUS`
 */
export function resolveTarget(
  target: string | number,
  labels: readonly string[] | undefined,
  classes: number,
  option: 'target' | 'against' = 'target',
): number {
  const what = option === 'target' ? 'Target' : 'Against'
  if (typeof target === 'number' || /^\d+$/.test(target)) {
    const index = Number(target)
    if (Number.isInteger(index) && index >= 0 && index < classes) return index
    throw new SessError(
      'TARGET_UNKNOWN',
      `${what} ${target} is not a class; expected an index from 0 to ${classes - 1}.`,
    )
  }
  if (labels === undefined) {
    throw new SessError(
      'TARGET_UNKNOWN',
      `${what} "${target}" cannot be looked up, as the model has no labels: pass an index from 0 to ${classes - 1}, ` +
        'or labels with --labels FILE (labels in the library).',
    )
  }
  const wanted = fold(target)
  const folded = labels.slice(0, classes).map(fold)
  const tests: readonly ((label: string) => boolean)[] = [
    (label) => label === wanted,
    (label) => synonyms(label).includes(wanted),
    (label) => words(label).includes(words(wanted)),
    (label) => label.includes(wanted),
  ]
  for (const test of wanted === '' ? [] : tests) {
    const found = folded.flatMap((label, index) => (test(label) ? [index] : []))
    if (found.length > 1) throw ambiguous(`${what} "${target}"`, found, labels)
    if (found[0] !== undefined) return found[0]
  }
  const near = nearest(wanted, folded).map((index) => named(index, labels))
  throw new SessError('TARGET_UNKNOWN', `No label fits ${option} "${target}". Nearest: ${near.join(', ')}.`)
}

function ambiguous(subject: string, found: readonly number[], labels: readonly string[]): SessError {
  const shown = found.slice(0, 10).map((index) => named(index, labels))
  const more = found.length > shown.length ? ` and ${found.length - shown.length} more` : ''
  return new SessError(
    'TARGET_AMBIGUOUS',
    `${subject} fits ${found.length} classes: ${shown.join('; ')}${more}. Pass the whole label or its index.`,
  )
}

/** Indices of the five labels whose closest synonym or word takes the fewest edits. */
function nearest(wanted: string, folded: readonly string[]): readonly number[] {
  const edits = folded.map((label, index) => {
    const forms = [label, ...synonyms(label), ...label.split(/[\s,]+/)]
    return { index, edits: Math.min(...forms.map((form) => distance(wanted, form))), length: label.length }
  })
  edits.sort((a, b) => a.edits - b.edits || a.length - b.length || a.index - b.index)
  return edits.slice(0, 5).map(({ index }) => index)
}

function named(index: number, labels: readonly string[]): string {
  return `${labels[index]} (${index})`
}

/** The words of a label, each between spaces: "cat" is one of "tiger cat", and none of "Catesbeiana". */
function words(label: string): string {
  return ` ${label
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
    .join(' ')} `
}

function synonyms(label: string): readonly string[] {
  return label.split(',').map((part) => part.trim())
}

function fold(text: string): string {
  return text.normalize('NFC').trim().toLowerCase()
}
