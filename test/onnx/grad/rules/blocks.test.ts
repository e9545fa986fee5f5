import { describe, expect, it } from 'vitest'
import { int64Tensor } from '../../../../src/onnx/tensors.ts'
import { int, op, randomTensor, string } from '../../models.ts'
import { type DifferenceCase, gradientError } from '../differences.ts'

interface Form extends Pick<DifferenceCase, 'x' | 'nodes' | 'tensors'> {
  readonly since?: number
}

const axis = (value: number) => [int64Tensor('axis', [value], [])]

const CASES: Readonly<Record<string, Form>> = {
  'DepthToSpace, blocks of outer channels': {
    x: [12, 2, 3],
    nodes: [op('DepthToSpace', 'x', 'y', { blocksize: int(2) })],
  },
  'DepthToSpace, column-row-depth': {
    since: 11,
    x: [18, 2, 1],
    nodes: [op('DepthToSpace', 'x', 'y', { blocksize: int(3), mode: string('DCR') })],
  },
  'DepthToSpace, depth-column-row': {
    since: 11,
    x: [12, 2, 3],
    nodes: [op('DepthToSpace', 'x', 'y', { blocksize: int(2), mode: string('CRD') })],
  },
  'DepthToSpace of what is pooled behind': {
    x: [8, 2, 3],
    nodes: [op('DepthToSpace', 'x', 'd', { blocksize: int(2) }), op('GlobalAveragePool', 'd', 'y')],
  },
  SpaceToDepth: { x: [3, 4, 6], nodes: [op('SpaceToDepth', 'x', 'y', { blocksize: int(2) })] },
  'SpaceToDepth of uneven blocks': { x: [2, 3, 9], nodes: [op('SpaceToDepth', 'x', 'y', { blocksize: int(3) })] },
  'SpaceToDepth, a convolution behind': {
    x: [1, 4, 4],
    nodes: [op('SpaceToDepth', 'x', 's', { blocksize: int(2) }), op('Conv', 's w', 'y')],
    tensors: [randomTensor('w', [3, 4, 2, 1])],
  },
  CumSum: { since: 11, x: [4, 3], nodes: [op('CumSum', 'x axis', 'y')], tensors: axis(1) },
  'CumSum from the end, without itself': {
    since: 11,
    x: [4, 3],
    nodes: [op('CumSum', 'x axis', 'y', { reverse: int(1), exclusive: int(1) })],
    tensors: axis(-1),
  },
  'CumSum without itself': {
    since: 11,
    x: [4, 3],
    nodes: [op('CumSum', 'x axis', 'y', { exclusive: int(1) })],
    tensors: axis(-2),
  },
  'Trilu, upper': { since: 14, x: [4, 3], nodes: [op('Trilu', 'x', 'y')] },
  'Trilu, lower, shifted': {
    since: 14,
    x: [4, 5],
    nodes: [op('Trilu', 'x axis', 'y', { upper: int(0) })],
    tensors: axis(1),
  },
}

describe.each([7, 9, 11, 13, 17, 21, 26])('opset %i', (opset) => {
  it.each(Object.entries(CASES).filter(([, { since = 7 }]) => opset >= since))('%s', async (_name, test) => {
    expect(await gradientError({ ...test, opset, step: 1 })).toBeLessThan(1e-4)
  })
})
