import { float, int, string } from '../../models.ts'
import type { Site } from './site.ts'

type Recipe = (site: Site) => void

const unary =
  (opType: string, since = 7): Recipe =>
  (site) => {
    site.since(since)
    site.add(opType, [site.x.name])
  }

/** Parameters that the default value would hide are drawn too. */
const parametric =
  (opType: string, names: readonly string[], since = 7): Recipe =>
  (site) => {
    site.since(since)
    site.add(opType, [site.x.name], Object.fromEntries(names.map((name) => [name, float(site.pick(0.25, 0.5, 1.25))])))
  }

/** On values away from 0 and from negative numbers. */
const positive =
  (opType: string): Recipe =>
  (site) => {
    site.require(site.values(site.x.name).every((value) => value > 0.1))
    site.add(opType, [site.x.name])
  }

/** A tensor that broadcasts with the source: a live one, or a constant of a shape drawn from the source's. */
function partner(site: Site, low = -1, high = 1): string {
  const { dims } = site.x
  if (site.choose(2) === 1) {
    return site.other(
      ({ dims: own }) => own.length === dims.length && own.every((length, i) => length === 1 || length === dims[i]),
    ).name
  }
  const first = site.choose(dims.length)
  return site.constant(
    dims.slice(first).map((length, i) => (first + i === 0 || site.choose(2) === 1 ? 1 : length)),
    low,
    high,
  )
}

const binary =
  (opType: string): Recipe =>
  (site) => {
    const pair = [site.x.name, partner(site)]
    site.add(opType, site.choose(2) === 0 ? pair : pair.reverse())
  }

const div: Recipe = (site) => {
  const other = partner(site, 0.5, 1.5)
  site.require(site.values(other).every((value) => Math.abs(value) > 0.1))
  site.add('Div', [site.x.name, other])
}

const pow: Recipe = (site) => {
  const exponent = site.pick(2, 3, 0.5, -1, 1.5)
  site.require(exponent > 1 && Number.isInteger(exponent) ? true : site.values(site.x.name).every((v) => v > 0.1))
  site.add('Pow', [site.x.name, site.floats([exponent], [])])
}

const clip: Recipe = (site) => {
  const [low, high] = [site.pick(0, -0.5), site.pick(6, 0.5, 1)]
  if (site.opset < 11) site.add('Clip', [site.x.name], { min: float(low), max: float(high) })
  else {
    const bounds = [site.floats([low], []), site.floats([high], [])].slice(0, 1 + site.choose(2))
    site.add('Clip', [site.x.name, ...bounds])
  }
}

const pRelu: Recipe = (site) => {
  const [, channels = 1, ...rest] = site.x.dims
  site.add('PRelu', [site.x.name, site.constant([channels, ...rest.map(() => 1)], 0.05, 0.9)])
}

const where: Recipe = (site) => {
  site.since(9)
  const mask = site.addMask('Greater', [site.x.name, site.floats([0.1], [])])
  const pair = [site.x.name, partner(site)]
  site.add('Where', [mask, ...(site.choose(2) === 0 ? pair : pair.reverse())])
}

const variadic =
  (opType: string): Recipe =>
  (site) => {
    // ONNX Runtime's kernels of operator set 6 do not broadcast
    site.since(8)
    site.add(opType, [site.x.name, partner(site), partner(site)].slice(0, 2 + site.choose(2)))
  }

const gelu: Recipe = (site) => {
  site.since(20)
  site.add('Gelu', [site.x.name], { approximate: string(site.pick('none', 'tanh')) })
}

/** GELU as exporters write it before operator set 20. */
const geluByHand: Recipe = (site) => {
  site.since(9)
  const { name } = site.x
  const scaled = site.add('Div', [name, site.floats([Math.SQRT2], [])])
  const shifted = site.add('Add', [site.add('Erf', [scaled.name]).name, site.floats([1], [])])
  site.add('Mul', [site.add('Mul', [name, shifted.name]).name, site.floats([0.5], [])])
}

const swish: Recipe = (site) => {
  site.add('Mul', [site.x.name, site.add('Sigmoid', [site.x.name]).name])
}

const cast: Recipe = (site) => {
  site.add('Cast', [site.x.name], { to: int(1) })
}

/** Operators that work entry by entry. */
export const VALUE_RECIPES: Readonly<Record<string, Recipe>> = {
  Abs: unary('Abs'),
  Add: binary('Add'),
  Cast: cast,
  Celu: parametric('Celu', ['alpha'], 12),
  Clip: clip,
  Div: div,
  Dropout: unary('Dropout'),
  Elu: parametric('Elu', ['alpha']),
  Erf: unary('Erf', 9),
  Exp: unary('Exp'),
  Gelu: gelu,
  'Gelu by hand': geluByHand,
  HardSigmoid: parametric('HardSigmoid', ['alpha', 'beta']),
  HardSwish: unary('HardSwish', 14),
  Identity: unary('Identity'),
  LeakyRelu: parametric('LeakyRelu', ['alpha']),
  Log: positive('Log'),
  Max: variadic('Max'),
  Mean: variadic('Mean'),
  Min: variadic('Min'),
  Mish: unary('Mish', 18),
  Mul: binary('Mul'),
  Neg: unary('Neg'),
  Pow: pow,
  PRelu: pRelu,
  Reciprocal: positive('Reciprocal'),
  Relu: unary('Relu'),
  Selu: parametric('Selu', ['alpha', 'gamma']),
  Sigmoid: unary('Sigmoid'),
  Softplus: unary('Softplus'),
  Softsign: unary('Softsign'),
  Sqrt: positive('Sqrt'),
  Sub: binary('Sub'),
  Sum: variadic('Sum'),
  Swish: swish,
  Tanh: unary('Tanh'),
  ThresholdedRelu: parametric('ThresholdedRelu', ['alpha'], 10),
  Where: where,
}
