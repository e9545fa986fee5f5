import { expect, it } from 'vitest'
import { multiplyingInTf32 } from '../../bench/rounding.mjs'
import { floatTensor } from '../../src/onnx/tensors.ts'
import { numbers } from '../onnx/heads.ts'
import { modelBytes, op } from '../onnx/models.ts'
import { run } from '../onnx/ort.ts'

/** The nearest number of 10 bits of mantissa, ties to even. */
function tf32(value: number): number {
  const exponent = Math.floor(Math.log2(Math.abs(value)))
  const unit = 2 ** (exponent - 10)
  const [whole, rest] = [Math.floor(value / unit), value / unit - Math.floor(value / unit)]
  const isUp = rest > 0.5 || (rest === 0.5 && whole % 2 !== 0)
  return (whole + (isUp ? 1 : 0)) * unit
}

it('what TF32 multiplies has 10 bits of mantissa', async () => {
  const values = Float32Array.from({ length: 999 }, (_, i) => Math.sin(i + 1) * 2 ** ((i % 40) - 20))
  const bytes = modelBytes({
    nodes: [op('MatMul', 'x one', 'y')],
    input: { dims: ['n', 1] },
    tensors: [floatTensor('one', [1], [1, 1])],
  })
  const exact = await run({ bytes }, { x: { dims: [999, 1], data: values } })
  expect(numbers(exact.y)).toEqual([...values])
  const rounded = await run({ bytes: multiplyingInTf32(bytes) }, { x: { dims: [999, 1], data: values } })
  expect(numbers(rounded.y)).toEqual([...values].map(tf32))
})
