/**
 * Top-1 and top-5 of tiny200 on Tiny ImageNet's held-out sheets (val-dev), by the library through ONNX Runtime; the
 * classes it knows worst and the pairs it mistakes most.
 *   node bench/tiny200.mjs [--model FILE] [--threads 2] [--json FILE]
 */
import { Explainer } from '../dist/index.js'
import { benchArguments, report } from './measure.mjs'
import { classes, classifyAll, heldOutTiles } from './tiles.mjs'

const shown = 10
const { models, threads, json } = benchArguments({ models: ['tiny200'] })
const short = (index) => classes[index].label.split(',')[0]

const explainer = await Explainer.load(models[0], { threads })
const tiles = await heldOutTiles()
const guesses = await classifyAll(explainer, tiles, 5)
await explainer.dispose()

const right = (n) => tiles.map((tile, i) => guesses[i].slice(0, n).some(({ index }) => index === tile.class))
const share = (hits) => hits.filter(Boolean).length / hits.length
const top1 = right(1)
const byClass = classes
  .map((_, index) => ({ class: short(index), top1: share(top1.filter((_hit, i) => tiles[i].class === index)) }))
  .sort((a, b) => a.top1 - b.top1)
const mistakes = new Map()
for (const [i, tile] of tiles.entries()) {
  if (top1[i]) continue
  const pair = `${short(tile.class)} -> ${short(guesses[i][0].index)}`
  mistakes.set(pair, (mistakes.get(pair) ?? 0) + 1)
}
const most = [...mistakes].sort(([, a], [, b]) => b - a).slice(0, shown)
const named = (list) => list.map((row) => `${row.class} ${Math.round(100 * row.top1)} %`)
const rows = [
  {
    model: explainer.info.model,
    tiles: tiles.length,
    top1: share(top1),
    top5: share(right(5)),
    // Of a calibrated model the same as top-1.
    'probability of the first guess': guesses.reduce((sum, [first]) => sum + first.probability, 0) / tiles.length,
  },
]
report('tiny200 on val-dev', rows, json, {
  'worst classes': named(byClass.slice(0, shown)),
  'best classes': named(byClass.slice(-shown).reverse()),
  'most frequent mistakes': most.map(([pair, count]) => `${pair} ${count}`),
})
