import fc from 'fast-check'
import type { NodeProto } from 'onnx-buf'
import { build } from './arrays.ts'
import { PLACE_RECIPES } from './recipes-places.ts'
import { VALUE_RECIPES } from './recipes-values.ts'
import { WINDOW_RECIPES } from './recipes-windows.ts'
import { Site } from './site.ts'

const RECIPES = { ...VALUE_RECIPES, ...WINDOW_RECIPES, ...PLACE_RECIPES }
const NAMES = Object.keys(RECIPES)
const OPSETS = [7, 8, 9, 10, 11, 12, 13, 14, 17, 18, 20, 21, 24, 26]
const IMAGES = 2

/**
 * A random graph as plain data: each step runs one recipe at one of the tensors so far, and steps that do not fit are
 * left out. So every list of steps is a graph, and shrinking is leaving out steps and making numbers smaller.
 */
export interface Program {
  readonly opset: number
  /** Shape of x without the batch. */
  readonly image: readonly [number, number, number]
  readonly steps: readonly { readonly recipe: string; readonly source: number; readonly choices: readonly number[] }[]
}

const length = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 3, max: 6 }) }, fc.constantFrom(1, 2))

export const programs: fc.Arbitrary<Program> = fc.record({
  opset: fc.constantFrom(...OPSETS),
  image: fc.tuple(fc.integer({ min: 1, max: 4 }), length, length),
  steps: fc.array(
    fc.record({
      recipe: fc.constantFrom(...NAMES),
      source: fc.nat(4),
      choices: fc.array(fc.nat(99), { maxLength: 14 }),
    }),
    { minLength: 1, maxLength: 10 },
  ),
})

/** The program's graph, whose last node joins everything that nothing else reads. */
export function grow({ opset, image, steps }: Program, next: () => number): Site {
  const site = new Site(
    opset,
    build([IMAGES, ...image], () => 1.5 * next()),
  )
  for (const { recipe, source, choices } of steps) {
    const run = RECIPES[recipe]
    if (run === undefined) throw new Error(`no recipe "${recipe}"`)
    site.grow(run, source, choices)
  }
  site.join()
  return site
}

/** One line per node, for messages. */
export function describe(site: Site): string {
  const dims = new Map(site.live.map((tensor) => [tensor.name, tensor.dims]))
  const shown = (name: string): string => {
    const constant = site.tensors.find((tensor) => tensor.name === name)
    return constant === undefined ? `${name} [${dims.get(name) ?? ''}]` : `${name} [${constant.dims}] constant`
  }
  const line = (node: NodeProto): string => {
    const attributes = node.attribute.map(({ name, i, f, ints, s }) => {
      const text = ints.length > 0 ? `[${ints}]` : s.length > 0 ? new TextDecoder().decode(s) : f !== 0 ? f : i
      return `${name}=${text}`
    })
    const inputs = node.input.map(shown).join(', ')
    return `  ${node.output.map(shown).join(', ')} = ${node.opType}(${inputs}) ${attributes.join(' ')}`
  }
  return [`operator set ${site.opset}`, ...site.nodes.map(line)].join('\n')
}
