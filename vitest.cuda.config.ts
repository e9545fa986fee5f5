import { defineConfig } from 'vitest/config'
import common from './vitest.config.ts'

/** What runs once more on the emulated CUDA device, with the environment of scripts/emulated.mjs. */
export default defineConfig({
  test: {
    ...common.test,
    include: [
      'test/cuda/**/*.test.ts',
      'test/native*.test.ts',
      'test/explainer.test.ts',
      'test/methods/**/*.test.ts',
      'test/sess/**/*.test.ts',
      'test/cli/model-numbers.test.ts',
    ],
  },
})
