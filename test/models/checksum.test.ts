import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { sha256OfBytes } from '../../src/models/checksum.ts'

it.each([[[0]], [[1]], [[1 << 20]], [[(1 << 20) + 1]], [[5, 0, 3_000_001, 7]]])(
  'the hash of parts of %j bytes is that of the whole',
  async (sizes) => {
    const parts = sizes.map((size, part) => Uint8Array.from({ length: size }, (_, i) => (i * 31 + part) % 256))
    expect(await sha256OfBytes(parts)).toBe(createHash('sha256').update(Buffer.concat(parts)).digest('hex'))
  },
)

it('hashing can be stopped', async () => {
  const failure = sha256OfBytes([new Uint8Array(1)], AbortSignal.abort())
  await expect(failure).rejects.toMatchObject({ code: 'ABORTED' })
})
