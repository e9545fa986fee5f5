import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { RULES, RULES_OF_ALL_OUTPUTS } from '../../../../src/onnx/grad/rules/table.ts'

it('every operator with a rule is named in some test of the rules', () => {
  const folder = new URL('.', import.meta.url)
  const tests = readdirSync(folder).filter((file) => file.endsWith('.test.ts'))
  const source = tests.map((file) => readFileSync(new URL(file, folder), 'utf8')).join('\n')
  // Unsqueeze7 and its like stand for the operator in the form of each operator set
  const isNamed = (operator: string): boolean => new RegExp(`'${operator}7?'`).test(source)
  expect(Object.keys({ ...RULES, ...RULES_OF_ALL_OUTPUTS }).filter((operator) => !isNamed(operator))).toEqual([])
})
