import type { HeldClass } from '../against.ts'
import type { ClassScore } from '../explanation.ts'
import type { ExplainerInfo } from '../load.ts'
import { printable } from '../printable.ts'
import { explainedText, percentText } from '../render/class-text.ts'
import type { EstimatedPlan, Plan } from '../sess/plan.ts'
import { versions } from '../versions.ts'
import type { Fact, FactGroup } from './document.ts'

/** What a report says of a model and its device. */
export type ModelInfo = Pick<
  ExplainerInfo,
  'input' | 'classes' | 'activation' | 'opset' | 'device' | 'computePrecision' | 'preprocessing'
>

/** A group of what is known; what is undefined is left out. */
export function groupOf(title: string, entries: Readonly<Record<string, string | number | undefined>>): FactGroup {
  const facts = Object.entries(entries).flatMap(([name, value]): Fact[] =>
    value === undefined ? [] : [{ name, value: printable(String(value)) }],
  )
  return { title, facts }
}

/** What was explained, on which photo. */
export function targetGroup(
  target: ClassScore,
  against: readonly HeldClass[],
  photo: { readonly width: number; readonly height: number },
  model: string,
): FactGroup {
  return groupOf('Target', {
    class: explainedText(target, against),
    'probability (whole photo)': percentText(target.probability),
    logit: Number.isFinite(target.logit) ? target.logit.toPrecision(6) : 'not finite',
    model,
    photo: `${photo.width} × ${photo.height} pixels`,
  })
}

/** What ran the model, and on what. */
export function modelGroup(info: ModelInfo): FactGroup {
  const { input, classes, activation, opset, device, computePrecision, preprocessing } = info
  const { channels, scale, bias } = preprocessing
  const inputs = channels.map((c, i) => `${'RGB'[c]} × ${scale[i]?.toPrecision(4)} + ${bias[i]?.toPrecision(4)}`)
  return groupOf('Model', {
    input: `${input.name}, ${input.layout}, ${input.width} × ${input.height} pixels`,
    pixels: inputs.join('; '),
    classes,
    activation,
    opset,
    device:
      device.type === 'cuda'
        ? `cuda:${device.index}, ${computePrecision}`
        : `cpu, ${device.threads} threads, ${device.simd}`,
  })
}

export function planGroup(plan: Plan & Partial<EstimatedPlan>): FactGroup {
  const { window, scales, step, levels, windows, forwards, headForwards, batch, antialias } = plan
  return groupOf('Plan', {
    window: `${window.width} × ${window.height} pixels`,
    scales: scales.length === 0 ? undefined : scales.join(', '),
    levels: levels.length,
    step: scales.length === 0 ? undefined : step.join(', '),
    windows: windows.length,
    'forward passes': forwards,
    'of these only behind the target layer': headForwards === 0 ? undefined : headForwards,
    batch,
    antialiasing: antialias ? 'yes' : 'no',
  })
}

/** Every option, defaults included; what a run did not ask for is left out. */
export function optionsGroup(options: object): FactGroup {
  const known = Object.entries(options).filter(([, value]) => value !== undefined)
  return groupOf('Options', Object.fromEntries(known.map(([name, value]) => [name, JSON.stringify(value)])))
}

/** Milliseconds of each phase. */
export function timingsGroup(timings: object): FactGroup {
  const phases = Object.entries(timings).map(([phase, ms]) => [phase, `${Number(ms).toFixed(1)} ms`])
  return groupOf('Timings', Object.fromEntries(phases))
}

export async function versionsGroup(): Promise<FactGroup> {
  return groupOf('Versions', await versions())
}
