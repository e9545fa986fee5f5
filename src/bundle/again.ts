import { type ExplainerDevice, whyNoGpu } from '../device.ts'
import { type Explainer, loadFound } from '../explainer.ts'
import type { Explanation } from '../explanation.ts'
import type { Photo } from '../io/photo.ts'
import type { FoundModel } from '../load.ts'
import { defaultDevice, type VerifyOptions } from '../options.ts'
import { type Check, noted } from './check.ts'
import type { Bundle } from './form.ts'

/** Computes a bundle's map again; limits are those of whoever asks, not the bundle's. */
export async function explainAgain(
  bundle: Bundle,
  photo: Photo,
  model: FoundModel,
  options: VerifyOptions,
): Promise<{ readonly explanation: Explanation; readonly checks: readonly Check[] }> {
  const { maxWindows, maxPixels, signal, onProgress, threads } = options
  const isSaid = Boolean(process.env.SESS_DEVICE)
  const device = options.device ?? (bundle.device.type === 'cpu' && !isSaid ? 'cpu' : defaultDevice())
  const { precision } = bundle.device
  const explainer = await loadFound(model, { device, precision, threads, tokens: bundle.model.tokens, signal })
  try {
    const batch = keepsBatch(bundle, explainer) ? bundle.options.batch : 'auto'
    const explanation = await explainer.explain(photo, {
      ...bundle.options,
      ...{ batch, maxWindows, maxPixels, keepMaps: false, signal, onProgress },
    })
    return { explanation, checks: deviceChecks(bundle, explainer, device) }
  } finally {
    await explainer.dispose()
  }
}

/** A batch that one device holds may be too much for another, and changes nothing in the map. */
function keepsBatch(bundle: Bundle, { info }: Explainer): boolean {
  return info.device.type === bundle.device.type && info.batch !== 'fixed'
}

function deviceChecks({ device }: Bundle, { info }: Explainer, asked: string): readonly Check[] {
  const checks: Check[] = []
  const here = kindOf(info.device)
  const before = kindOf(device)
  if (here !== before) {
    const reason = device.type === 'cuda' ? whyNoGpu(asked, info.device) : undefined
    checks.push(noted('device', `${here} here, ${before} in the bundle${reason === undefined ? '' : `: ${reason}`}`))
  }
  if (info.computePrecision !== device.precision) {
    const what = `${info.computePrecision} here, ${device.precision} in the bundle`
    checks.push(noted('precision', `${what}: a processor computes in no other than fp32`))
  }
  return checks
}

function kindOf(device: ExplainerDevice | Bundle['device']): string {
  return device.type === 'cpu' ? `cpu (${device.simd})` : 'cuda'
}
