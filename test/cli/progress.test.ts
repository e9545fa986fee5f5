import { describe, expect, it } from 'vitest'
import { cheaperOptions } from '../../src/cli/cheaper.ts'
import { progressBar } from '../../src/cli/progress.ts'

describe('work that takes long', () => {
  /** What stderr says of passes that take so many seconds each. */
  function said(secondsEach: number, total: number, quiet = false): string {
    let [seconds, written] = [0, '']
    const context = {
      stdout: { write: () => {} },
      stderr: { write: (text: string) => (written += text) },
      env: {},
      signal: new AbortController().signal,
      load: () => Promise.reject(new Error('nothing is loaded')),
    }
    const bar = progressBar(context, 'photo.jpg', { quiet }, ['--scales', '--no-sess'], () => seconds)
    for (let done = 1; done <= total; done++) {
      seconds = done * secondsEach
      bar.update({ done, total, phase: 'inference' })
    }
    bar.stop()
    return written
  }

  it('is announced once, with passes, time and what would make it cheaper', () => {
    expect(said(0.5, 400)).toBe(
      'sess: photo.jpg: 400 forward passes, about 3 min 20 s; less with --scales, --no-sess.\n',
    )
    expect(said(1, 7290)).toBe(
      'sess: photo.jpg: 7290 forward passes, about 2 h 1 min; less with --scales, --no-sess.\n',
    )
  })

  it('is not announced under a minute, nor where nothing is to be said', () => {
    expect(said(0.5, 118)).toBe('')
    expect(said(0.01, 100)).toBe('')
    expect(said(0.5, 400, true)).toBe('')
  })

  it('rounds time as a clock does', () => {
    expect(said(0.5, 239)).toContain('about 2 min 0 s')
  })

  it('names what would help: options to give, or to give less of', () => {
    expect(cheaperOptions(['grad-cam'], {})).toEqual(['--scales'])
    expect(cheaperOptions(['grad-cam'], { sess: false })).toEqual([])
    expect(cheaperOptions(['score-cam'], { scales: 5 })).toEqual(['--top-channels', '--pre-filter', 'fewer --scales'])
    expect(cheaperOptions(['score-cam'], { topChannels: 9, preFilter: 0.1, scales: 2 })).toEqual([
      'a lower --top-channels',
      'a higher --pre-filter',
      'fewer --scales',
    ])
    expect(cheaperOptions(['rise'], { masks: 9, sess: false })).toEqual(['a lower --masks'])
    expect(cheaperOptions(['occlusion'], { sess: false })).toEqual(['--stride'])
    expect(cheaperOptions(['smoothgrad'], { samples: 5 })).toEqual(['a lower --samples', '--pre-filter', '--scales'])
    expect(cheaperOptions(['grad-cam', 'group-cam', 'score-cam'], {})).toEqual([
      '--top-channels',
      '--groups',
      '--pre-filter',
      '--scales',
    ])
  })
})
