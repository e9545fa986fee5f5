import { describe, expect, it } from 'vitest'
import { invalidOption, uselessOption } from '../src/error.ts'

describe('a value in a message', () => {
  const circular: unknown[] = [1]
  circular.push(circular)

  it.each<[string, unknown, string]>([
    ['a text', 'inferno', '"inferno"'],
    ['a number', -0.5, '-0.5'],
    ['no number', Number.NaN, 'NaN'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a list', [224, 288], '[224, 288]'],
    ['a list of texts', ['a', ''], '["a", ""]'],
    ['no list', [], '[]'],
    ['a list of objects', [{ target: 'tabby', weight: 1 }], "[{ target: 'tabby', weight: 1 }]"],
    ['an object', { size: 2, sigma: 5 }, '{ size: 2, sigma: 5 }'],
    ['a function', () => 1, '[Function (anonymous)]'],
    ['a big number', 5n, '5n'],
    ['a long list', Array.from({ length: 20 }, (_, i) => i), '[0, 1, 2, 3, 4, 5, 6, 7, ... 12 more]'],
    ['bytes', new Uint8Array(9), 'Uint8Array(9) [ 0, 0, 0, 0, 0, 0, 0, 0, ... 1 more item ]'],
    ['a long text', 'x'.repeat(300), `"${'x'.repeat(200)}..."`],
  ])('%s', (_, value, shown) => {
    expect(invalidOption('option', value, 'another').message).toBe(`option is ${shown}; expected another.`)
  })

  it('that holds itself', () => {
    expect(invalidOption('option', circular, 'another').message).not.toContain('\n')
  })

  it('that would change nothing', () => {
    const error = uselessOption('samples', 8, 'grad-cam asks each window once', 'take a method that samples')
    expect(error.code).toBe('OPTION_INVALID')
    expect(error.message).toBe(
      'samples is 8, but grad-cam asks each window once: leave it out, or take a method that samples.',
    )
  })
})
