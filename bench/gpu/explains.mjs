/**
 * Explains one photo on the device, again and again, for what is counted from outside.
 *   node bench/gpu/explains.mjs PHOTO COUNT
 */

import { Explainer } from '../../dist/index.js'
import { decode } from '../../dist/io/decode.js'

const [photo, count] = process.argv.slice(2)
const { data } = await decode(photo)
const explainer = await Explainer.load('tiny200', { device: 'cuda' })
let mapBytes = 0
for (let i = 0; i < Number(count); i++) mapBytes = (await explainer.explain(photo)).map.data.byteLength
await explainer.dispose()
console.log(`{"photo_bytes": ${data.length}, "map_bytes": ${mapBytes}}`)
