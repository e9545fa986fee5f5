import type { Call } from './call.ts'
import { SessError } from './error.ts'
import type { ClassScore } from './explanation.ts'
import { decode } from './io/decode.ts'
import type { ImageSource } from './io/photo.ts'
import type { LoadedModel } from './load.ts'
import { probabilities } from './models/probabilities.ts'
import { type ClassifyOptions, explainDefaults } from './options.ts'
import { classScore, planOf, topOne } from './request.ts'
import { runWindows } from './sess/pipeline.ts'

/** The classes of the base view, most probable first. */
export async function classify(
  model: LoadedModel,
  call: Call,
  image: ImageSource,
  options: ClassifyOptions,
): Promise<readonly ClassScore[]> {
  const { device, preprocessing, sessions, activation } = model
  using session = await sessions.classifying()
  const photo = await decode(image, options)
  const plan = planOf(model, photo, { sess: false, batch: 1 }, 1)
  using pixels = await call.pixels(photo)
  const { baseLogits } = await runWindows({
    device,
    stream: call.stream,
    clock: call.clock,
    photo: pixels.tensor,
    plan,
    preprocessing,
    model: session,
    targets: session.seeds.map(() => ({ target: topOne, coefficients: undefined })),
    copies: { kind: 'none' },
    seed: explainDefaults.seed,
    onForwards: () => {},
    chunks: [{ first: 0, end: 1 }],
    onMaps: async () => {},
  })
  const shares = probabilities(baseLogits, activation)
  if (!shares.every(Number.isFinite)) {
    throw new SessError('MODEL_NONFINITE', 'The model gives logits that are not finite: check its preprocessing.')
  }
  const order = [...shares.keys()].sort((a, b) => (shares[b] ?? 0) - (shares[a] ?? 0) || a - b)
  return order.slice(0, options.top).map((index) => classScore(model, baseLogits, index))
}
