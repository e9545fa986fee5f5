import type { ExplainerInfo } from '../load.ts'

/** What every `.json` says of the model, and of what ran it. */
export function modelNumbers(info: ExplainerInfo) {
  const { model: id, path, input, classes, activation, preprocessing, device, computePrecision } = info
  return { id, path, input, classes, activation, preprocessing, device, computePrecision }
}
