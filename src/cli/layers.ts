import { basename, dirname, join } from 'node:path'
import type { Explainer } from '../explainer.ts'
import { writeAtomically } from '../io/atomic.ts'
import { encodeFile, encodeJson } from '../io/json.ts'
import type { LayerMaps } from '../layer-maps.ts'
import { checkLayersOptions, type LayersOptions } from '../options.ts'
import { commandLine } from '../report/run-again.ts'
import { versions } from '../versions.ts'
import { type Context, note } from './context.ts'
import type { LayersArguments } from './layers-arguments.ts'
import { methodArguments } from './method-arguments.ts'
import { modelNumbers } from './model-numbers.ts'
import { onOneImage, type SheetOutput, sheetOutput, withExplainer } from './one-image.ts'
import { modelFlags, originOf } from './origin.ts'
import { refuseCollisions, stem } from './outputs.ts'
import { progressBar } from './progress.ts'

/** `sess layers`: the base map at every layer that can be explained, as one sheet. */
export async function layers(input: string, options: LayersArguments, context: Context): Promise<number> {
  checkLayersOptions(layersOptions(options)) // before a model is loaded for nothing
  const outputs = outputsFor(input, options.output)
  await refuseCollisions([{ input, paths: outputs.map(({ path }) => path) }], options)
  return await onOneImage(input, outputs, options, context, async () => {
    await withExplainer(options, context, (explainer) => layersOf(explainer, input, outputs, options, context))
  })
}

function outputsFor(input: string, given: readonly string[]): readonly SheetOutput[] {
  if (given.length === 0) return [{ kind: 'sheet', path: join(dirname(input), `${stem(input)}.layers.png`) }]
  return given.map((path) => sheetOutput(path))
}

async function layersOf(
  explainer: Explainer,
  input: string,
  outputs: readonly SheetOutput[],
  options: LayersArguments,
  context: Context,
): Promise<void> {
  const { signal } = context
  const { colormap, alpha } = options
  const bar = progressBar(context, input, options, ['--method'])
  const maps = await explainer
    .layers(input, { ...layersOptions(options), signal, onProgress: bar.update })
    .finally(bar.stop)
  const numbers = await numbersOf(explainer, input, maps)
  const sheet = maps.sheet({ title: basename(input), colormap, alpha })
  for (const { kind, path } of outputs) {
    if (kind === 'sheet') await sheet.toFile(path, { signal })
    else if (kind === 'report') {
      const command = layersCommand(input, maps, options, path)
      const said = { title: basename(input), origin: originOf(input, options), info: explainer.info, command }
      await maps.report({ colormap, alpha, ...said }).toFile(path, { signal })
    } else await writeAtomically(path, encodeFile(numbers), { signal })
  }
  const paths = outputs.map(({ path }) => path)
  if (options.json) context.stdout.write(`${encodeJson({ ...numbers, outputs: paths })}\n`)
  note(context, options, `${input}: ${summary(maps)} -> ${paths.join(', ')}`)
}

/** What the command line says of the maps. The layer is the one to be marked, and the model's. */
function layersOptions({ target, against, method, maxPixels, ...all }: LayersArguments): LayersOptions {
  return { target, against, method, maxPixels, ...methodArguments(all) }
}

/** The line that makes the same maps: what was said, and the class that it came to. */
function layersCommand(input: string, { target }: LayerMaps, options: LayersArguments, output: string): string {
  const { against, method, layer, maxPixels, colormap, alpha } = options
  const own = { layer, target: target.index, against, method, maxPixels, ...methodArguments(options) }
  return commandLine('layers', input, { ...modelFlags(options), ...own, colormap, alpha, output })
}

/** The form's version; it rises when a key changes its meaning or goes. */
const numbersSchema = 1

async function numbersOf(explainer: Explainer, input: string, maps: LayerMaps) {
  const { photo, target, method, chosen } = maps
  return {
    schema: numbersSchema,
    image: { name: input, ...photo },
    model: modelNumbers(explainer.info),
    target,
    method,
    chosen,
    layers: maps.layers.map((one) =>
      one.kind === 'map'
        ? { ...one.layer, maximum: one.maximum, topShare: one.topShare }
        : { ...one.layer, refused: one.reason },
    ),
    versions: await versions(),
  }
}

function summary({ target, method, layers, chosen }: LayerMaps): string {
  const explained = target.label === undefined ? `class ${target.index}` : `${target.label} (${target.index})`
  const refused = layers.filter(({ kind }) => kind === 'refused').length
  const left = refused === 0 ? '' : `, ${refused} of them refused`
  return `${explained}, ${method} at ${layers.length} layers${left}, chosen: ${chosen?.name ?? 'none'}`
}
