import { writeAtomically } from './atomic.ts'
import { encodeNpy, type Plane } from './npy-format.ts'

export { encodeNpy, type Plane } from './npy-format.ts'

export async function writeNpy(
  path: string,
  plane: Plane,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  await writeAtomically(path, encodeNpy(plane), options)
}
