/**
 * Explains one photo on the device, again and again, for what is counted from outside.
 *   node bench/gpu/explains.mjs PHOTO [--target N] [--scales N] [--batch N] [--method NAME] COUNT
 */
import { parseArgs } from 'node:util'
import { Explainer } from '../../dist/index.js'
import { decode } from '../../dist/io/decode.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    target: { type: 'string' },
    scales: { type: 'string' },
    batch: { type: 'string' },
    method: { type: 'string' },
  },
})
const [photo, count] = positionals
const { method, ...numbers } = values
const given = Object.entries(numbers).map(([name, value]) => [name, Number(value)])
const options = { ...Object.fromEntries(given), ...(method && { method }) }
const { data } = await decode(photo)
const explainer = await Explainer.load('tiny200', { device: 'cuda' })
let mapBytes = 0
for (let i = 0; i < Number(count); i++) mapBytes = (await explainer.explain(photo, options)).map.data.byteLength
await explainer.dispose()
console.log(`{"photo_bytes": ${data.length}, "map_bytes": ${mapBytes}}`)
