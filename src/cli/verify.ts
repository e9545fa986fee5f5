import type { Check, Verification } from '../bundle/check.ts'
import { verify } from '../bundle/verify.ts'
import { encodeJson } from '../io/json.ts'
import { printable } from '../printable.ts'
import { deviceOf } from './arguments.ts'
import { type Context, reportFailure } from './context.ts'
import { combinedStatus, failureData, stopsTheRun } from './failure.ts'
import { progressBar } from './progress.ts'
import type { VerifyArguments } from './verify-arguments.ts'

/** `sess verify`: what each bundle is compared with, and how it came out. 1 where one differs or is missing something. */
export async function verifyBundles(
  bundles: readonly string[],
  options: VerifyArguments,
  context: Context,
): Promise<number> {
  const { stdout } = context
  const failures: unknown[] = []
  let agree = true
  for (const bundle of bundles) {
    try {
      const found = await verifyOne(bundle, options, context)
      stdout.write(options.json ? `${encodeJson(found)}\n` : reportText(found))
      agree &&= found.agrees
    } catch (error) {
      if (stopsTheRun(error)) throw error
      failures.push(error)
      reportFailure(context, options, error, bundle)
      if (options.json) stdout.write(`${encodeJson({ bundle, error: failureData(error) })}\n`)
    }
  }
  const status = combinedStatus(failures, bundles.length)
  return status === 0 && !agree ? 1 : status
}

async function verifyOne(bundle: string, options: VerifyArguments, context: Context): Promise<Verification> {
  const { image, model, tolerance, maxWindows, maxPixels, threads, device = deviceOf(context.env) } = options
  const { signal } = context
  const bar = progressBar(context, bundle, options, [])
  const limits = { tolerance, maxWindows, maxPixels, threads, device }
  return await verify(bundle, { image, model, ...limits, signal, onProgress: bar.update }).finally(bar.stop)
}

/** A line for each check, and one that sums up; a stranger wrote the bundle, so that no text of it goes out as it is. */
function reportText({ bundle, agrees, checks }: Verification): string {
  const fields = checks.map(({ name, status, detail }) => ({
    name: printable(name),
    status,
    detail: printable(detail),
  }))
  const names = Math.max(...fields.map(({ name }) => name.length))
  const line = ({ name, status, detail }: Check) => `  ${status.padEnd(7)}  ${name.padEnd(names)}  ${detail}`
  const differing = fields.filter(({ status }) => status === 'changed' || status === 'missing')
  const end = agrees ? 'agrees' : `differs: ${differing.map(({ name }) => name).join(', ')}`
  const path = printable(bundle)
  return `${[path, ...fields.map(line), `${path} ${end}`].join('\n')}\n`
}
