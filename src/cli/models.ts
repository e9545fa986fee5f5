import { encodeJson } from '../io/json.ts'
import type { ModelAnalysis } from '../models/info.ts'
import { layerReasonText } from '../models/layer-reason.ts'
import { type ModelEntry, type ModelInfo, models } from '../models/registry.ts'
import { printable } from '../printable.ts'
import type { CommonArguments } from './arguments.ts'
import { type Context, note, reportFailure } from './context.ts'
import { combinedStatus, failureJson, stopsTheRun } from './failure.ts'
import type { InfoArguments, PullArguments } from './models-command.ts'
import { downloadBar, megabytes } from './models-progress.ts'

/** `sess models list`: one line, or one JSON object, for each known model. */
export async function list({ json }: CommonArguments, { stdout, signal }: Context): Promise<number> {
  const entries = await models.list({ signal })
  if (json) for (const entry of entries) stdout.write(`${encodeJson(entry)}\n`)
  else stdout.write(table(entries.map(row)))
  return 0
}

function row({ id, state, bytes, input, licence, title }: ModelEntry): readonly string[] {
  const window = input?.width === undefined ? '' : `${input.width} x ${input.height}`
  return [id, state, bytes === undefined ? '' : megabytes(bytes), window, licence ?? '', title ?? ''].map(printable)
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (i === 2 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  ')
  return rows.map((cells) => `${line(cells).trimEnd()}\n`).join('')
}

/** `sess models pull`: one failure does not keep the others from coming. */
export async function pull(ids: readonly string[], options: PullArguments, context: Context): Promise<number> {
  const { stdout, signal } = context
  const failures: unknown[] = []
  for (const id of ids) {
    const bar = downloadBar(context, id, options)
    try {
      const entry = await models.pull(id, { force: options.force, signal, onProgress: bar.update }).finally(bar.stop)
      if (options.json) stdout.write(`${encodeJson(entry)}\n`)
      else note(context, options, `${id}: ${entry.path}`)
    } catch (error) {
      if (stopsTheRun(error) && signal.aborted) throw error
      failures.push(error)
      reportFailure(context, options, error, id)
      if (options.json) stdout.write(`${failureJson(id, error)}\n`)
    }
  }
  return combinedStatus(failures, ids.length)
}

/** `sess models path`: the path on stdout, for scripts. */
export async function path(id: string, { json }: CommonArguments, { stdout, signal }: Context): Promise<number> {
  const found = await models.path(id, { signal })
  stdout.write(json ? `${encodeJson({ id, path: found })}\n` : `${found}\n`)
  return 0
}

/** `sess models info`. */
export async function info(model: string, options: InfoArguments, { stdout, signal }: Context): Promise<number> {
  const { layer, tokens, mean, std, labels, activation } = options
  const facts = await models.info(model, { layer, tokens, mean, std, labels, activation, signal })
  stdout.write(options.json ? `${encodeJson(facts)}\n` : infoText(facts))
  return 0
}

type Line = readonly [string, string | undefined]

function infoText(facts: ModelInfo): string {
  const { id, title, state, manifest, url, licence, source, labels, analysis } = facts
  const lines: Line[] = [
    ['model', title === undefined ? id : `${id}: ${title}`],
    ['file', analysis === undefined ? undefined : `${analysis.path}, ${megabytes(analysis.bytes)}`],
    ['state', state === 'remote' ? `not downloaded yet (sess models pull ${id})` : undefined],
    ['manifest', manifest ?? 'none'],
    ['address', url],
    ['licence', licence],
    ['source', source],
    ...(analysis === undefined ? [] : analysisLines(analysis, labels)),
  ]
  const width = Math.max(...lines.map(([name]) => name.length))
  return lines
    .flatMap(([name, text]) => (text === undefined ? [] : [`${name.padEnd(width)}  ${printable(text)}\n`]))
    .join('')
}

function analysisLines(analysis: ModelAnalysis, labels: number | undefined): readonly Line[] {
  const { input, classes, logits, batch, activation, layer, candidates, methods, unsupported } = analysis
  const { parameters, multiplyAdds, operators, opset, preprocessing: pixels } = analysis
  const grid = (at: { channels: number; width: number; height: number }) =>
    `${at.channels} x ${at.height} x ${at.width}`
  return [
    ['unsupported', unsupported],
    ['input', input && `${input.name}, ${input.layout}, ${pixels.channels}`],
    ['window', input && `${input.width} x ${input.height} pixels`],
    ['pixels', `x = (v * ${fraction(pixels.scale)} - [${pixels.mean.join(', ')}]) / [${pixels.std.join(', ')}]`],
    ['', `(${pixels.from})`],
    ['', pixels.notApplied.length === 0 ? undefined : notAppliedText(pixels.notApplied)],
    ['batch', batch && batchText[batch]],
    ['precision', analysis.precision === 'float16' ? 'float16, cast: all is computed in float32' : undefined],
    ['classes', classes?.toString()],
    ['labels', labels === undefined ? 'none (--labels FILE)' : `${labels}`],
    ['logits', logits],
    ['activation', activation && `${activation.name} (${activation.from})`],
    ['target layer', unsupported ? undefined : layer ? `${layer.name}, ${grid(layer)}` : 'none'],
    ['', layer && `(${layerReasonText[layer.reason]})`],
    ...(candidates ?? []).slice(0, 12).map((c, i): Line => [i === 0 ? 'candidates' : '', `${c.name}, ${grid(c)}`]),
    ['', candidates && candidates.length > 12 ? `and ${candidates.length - 12} more (--json)` : undefined],
    ...methods.map((method, i): Line => {
      return [i === 0 ? 'methods' : '', method.supported ? method.name : `${method.name}: no, ${method.reason}`]
    }),
    ['parameters', `${(parameters / 1e6).toFixed(2)} million`],
    ['multiply-adds', multiplyAdds === undefined ? undefined : `${(multiplyAdds / 1e6).toFixed(1)} million a window`],
    ['opset', `${opset}`],
    ['operators', operators.map(({ type, count }) => `${type} ${count}`).join(', ')],
  ]
}

function notAppliedText(steps: readonly string[]): string {
  const what = steps.join(' and ')
  return `(not applied of the preprocessor file: ${what}; the base view is the whole image, resized to the window)`
}

const batchText = {
  dynamic: 'dynamic: any number of windows at once',
  'made-dynamic': 'fixed at 1 in the file, made dynamic: any number of windows at once',
  fixed: 'fixed at 1: windows run one by one',
} as const

function fraction(scale: number): string {
  return Math.abs(scale * 255 - 1) < 1e-9 ? '1/255' : `${scale}`
}
