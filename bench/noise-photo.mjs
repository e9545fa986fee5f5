import sharp from 'sharp'

/** A JPEG of noise over a gradient. */
export async function noisePhoto(width, height) {
  const data = new Uint8Array(width * height * 3)
  let state = 1
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    data[i] = (((i % (3 * width)) * 200) / (3 * width) + (state >>> 26)) & 255
  }
  return await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer()
}
