import { float, int, ints, string } from '../../models.ts'
import type { Site } from './site.ts'

type Recipe = (site: Site) => void

function featureMap(site: Site): readonly [number, number, number, number] {
  const [n = 1, channels = 1, height = 1, width = 1] = site.x.dims
  site.require(site.x.dims.length === 4)
  return [n, channels, height, width]
}

/** Explicit pads of each side, or one of the automatic modes. */
function padding(site: Site, largest: number) {
  const mode = site.pick('none', 'explicit', 'explicit', 'SAME_UPPER', 'SAME_LOWER', 'VALID')
  if (mode === 'none') return {}
  if (mode !== 'explicit') return { auto_pad: string(mode) }
  return { pads: ints(...Array.from({ length: 4 }, () => site.choose(largest + 1))) }
}

function groupsOf(site: Site, channels: number): number {
  return site.pick(1, channels, channels % 2 === 0 ? 2 : 1)
}

const conv: Recipe = (site) => {
  const [, channels, height, width] = featureMap(site)
  const groups = groupsOf(site, channels)
  const kernel = [1 + site.choose(3), 1 + site.choose(3)]
  const strides = [site.pick(1, 1, 2, 3), site.pick(1, 1, 2)]
  const pad = padding(site, 2)
  // ONNX Runtime takes no dilation together with automatic padding
  const dilations = 'auto_pad' in pad ? [1, 1] : [1 + site.choose(2), 1 + site.choose(2)]
  site.require(kernel.every((k, i) => (k - 1) * (dilations[i] ?? 1) < (i === 0 ? height : width)))
  const filters = groups * (1 + site.choose(2))
  const weights = site.constant([filters, channels / groups, ...kernel])
  const bias = site.choose(2) === 1 ? [site.constant([filters])] : []
  site.add('Conv', [site.x.name, weights, ...bias], {
    strides: ints(...strides),
    dilations: ints(...dilations),
    group: int(groups),
    ...pad,
  })
}

const convTranspose: Recipe = (site) => {
  const [, channels, height, width] = featureMap(site)
  const groups = groupsOf(site, channels)
  const kernel = [1 + site.choose(3), 1 + site.choose(3)]
  const strides = [1 + site.choose(2), 1 + site.choose(3)]
  const begins = kernel.map((k) => site.choose(k))
  const ends = kernel.map((k) => site.choose(k))
  const cut = kernel.map((k, i) => k - (begins[i] ?? 0) - (ends[i] ?? 0))
  site.require([height, width].every((size, i) => (size - 1) * (strides[i] ?? 1) + (cut[i] ?? 0) > 0))
  const perGroup = 1 + site.choose(2)
  const weights = site.constant([channels, perGroup, ...kernel])
  const bias = site.choose(2) === 1 ? [site.constant([groups * perGroup])] : []
  site.add('ConvTranspose', [site.x.name, weights, ...bias], {
    strides: ints(...strides),
    pads: ints(...begins, ...ends),
    output_padding: ints(...strides.map((stride) => site.choose(stride))),
    group: int(groups),
  })
}

const pool =
  (opType: 'MaxPool' | 'AveragePool'): Recipe =>
  (site) => {
    const [, , height, width] = featureMap(site)
    const kernel = [1 + site.choose(3), 1 + site.choose(3)]
    const pad = padding(site, Math.min(...kernel) - 1)
    const isDilated = opType === 'MaxPool' && site.opset >= 10 && !('auto_pad' in pad)
    const dilations = isDilated ? [1 + site.choose(2), 1 + site.choose(2)] : [1, 1]
    const strides = [1 + site.choose(2), 1 + site.choose(3)]
    site.require(kernel.every((k, i) => (k - 1) * (dilations[i] ?? 1) < (i === 0 ? height : width)))
    // ONNX Runtime refuses automatic padding where pixels lie between the windows
    site.require(!('auto_pad' in pad) || kernel.every((k, i) => k >= (strides[i] ?? 1)))
    const isCeil = site.opset >= 10 && !('auto_pad' in pad) && site.choose(2) === 1
    const pads = 'pads' in pad && pad.pads !== undefined ? pad.pads.ints : [0, 0, 0, 0]
    const isBehind = kernel.some((k, i) => {
      const [begin = 0, end = 0, size = 1] = [pads[i], pads[i + 2], i === 0 ? height : width]
      const stride = strides[i] ?? 1
      const steps = Math.ceil((size + begin + end - (k - 1) * (dilations[i] ?? 1) - 1) / stride)
      return steps * stride >= size + begin
    })
    // A window behind the image is refused: shape inference counted it before operator set 22
    site.require(!isCeil || !isBehind || site.opset >= 22)
    site.add(opType, [site.x.name], {
      kernel_shape: ints(...kernel),
      strides: ints(...strides),
      ...pad,
      ...(isCeil ? { ceil_mode: int(1) } : {}),
      ...(isDilated ? { dilations: ints(...dilations) } : {}),
      ...(opType === 'AveragePool' ? { count_include_pad: int(site.choose(2)) } : {}),
    })
  }

const globalPool =
  (opType: string): Recipe =>
  (site) => {
    featureMap(site)
    site.add(opType, [site.x.name])
  }

const batchNormalization: Recipe = (site) => {
  const [, channels = 1] = site.x.dims
  site.require(site.x.dims.length > 1)
  const parameters = [site.constant([channels]), site.constant([channels]), site.constant([channels])]
  const variance = site.constant([channels], 0.3, 2)
  site.add('BatchNormalization', [site.x.name, ...parameters, variance], { epsilon: float(1e-3) })
}

const instanceNormalization: Recipe = (site) => {
  const [, channels] = featureMap(site)
  const parameters = [site.constant([channels]), site.constant([channels])]
  site.add('InstanceNormalization', [site.x.name, ...parameters], { epsilon: float(1e-2) })
}

const groupNormalization: Recipe = (site) => {
  site.since(18)
  const [, channels] = featureMap(site)
  const groups = groupsOf(site, channels)
  const length = site.opset < 21 ? groups : channels
  const parameters = [site.constant([length]), site.constant([length])]
  site.add('GroupNormalization', [site.x.name, ...parameters], { epsilon: float(1e-2), num_groups: int(groups) })
}

const lrn: Recipe = (site) => {
  featureMap(site)
  site.add('LRN', [site.x.name], {
    size: int(site.pick(1, 3, 5)),
    alpha: float(site.pick(0.1, 1)),
    beta: float(site.pick(0.75, 0.5)),
    bias: float(site.pick(1, 2)),
  })
}

const resize: Recipe = (site) => {
  site.since(9)
  featureMap(site)
  const scale = (): number => site.pick(2, 1, 3, 0.5)
  const scales = [1, 1, scale(), scale()]
  const mode = site.pick('nearest', 'linear')
  if (site.opset === 9) site.require(scales.every((value) => value >= 1))
  const { name } = site.x
  if (site.opset < 11) {
    site.add(site.opset === 9 ? 'Upsample' : 'Resize', [name, site.floats(scales)], { mode: string(mode) })
    return
  }
  const coordinates = mode === 'nearest' ? 'asymmetric' : site.pick('half_pixel', 'asymmetric', 'align_corners')
  const roi = site.opset < 13 ? site.floats([], [0]) : ''
  site.add('Resize', [name, roi, site.floats(scales)], {
    mode: string(mode),
    coordinate_transformation_mode: string(coordinates),
    ...(mode === 'nearest' ? { nearest_mode: string('floor') } : {}),
  })
}

const depthToSpace: Recipe = (site) => {
  const [, channels] = featureMap(site)
  site.require(channels % 4 === 0)
  const mode = site.opset < 11 ? {} : { mode: string(site.pick('DCR', 'CRD')) }
  site.add('DepthToSpace', [site.x.name], { blocksize: int(2), ...mode })
}

const spaceToDepth: Recipe = (site) => {
  const [, , height, width] = featureMap(site)
  site.require(height % 2 === 0 && width % 2 === 0)
  site.add('SpaceToDepth', [site.x.name], { blocksize: int(2) })
}

/** A block that gates its channels by their means. */
const squeezeAndExcite: Recipe = (site) => {
  const [, channels] = featureMap(site)
  const pooled = site.add('GlobalAveragePool', [site.x.name])
  const narrow = site.add('Conv', [pooled.name, site.constant([2, channels, 1, 1])])
  const wide = site.add('Conv', [site.add('Relu', [narrow.name]).name, site.constant([channels, 2, 1, 1])])
  site.add('Mul', [site.x.name, site.add('Sigmoid', [wide.name]).name])
}

/** Conv, norm and activation around which the input is added. */
const residual: Recipe = (site) => {
  const [, channels] = featureMap(site)
  const weights = site.constant([channels, channels, 3, 3], -0.5, 0.5)
  const y = site.add('Conv', [site.x.name, weights], { pads: ints(1, 1, 1, 1) })
  const sum = site.add('Add', [site.add('Relu', [y.name]).name, site.x.name])
  site.add('Relu', [sum.name])
}

/** Operators on batch x channels x height x width. */
export const WINDOW_RECIPES: Readonly<Record<string, Recipe>> = {
  AveragePool: pool('AveragePool'),
  BatchNormalization: batchNormalization,
  Conv: conv,
  ConvTranspose: convTranspose,
  DepthToSpace: depthToSpace,
  GlobalAveragePool: globalPool('GlobalAveragePool'),
  GlobalMaxPool: globalPool('GlobalMaxPool'),
  GroupNormalization: groupNormalization,
  InstanceNormalization: instanceNormalization,
  LRN: lrn,
  MaxPool: pool('MaxPool'),
  residual,
  Resize: resize,
  SpaceToDepth: spaceToDepth,
  'squeeze and excite': squeezeAndExcite,
}
