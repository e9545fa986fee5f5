import { defineConfig, mergeConfig } from 'vitest/config'
import common from './vitest.config.ts'

/** What runs once more on the emulated CUDA device, with the environment of scripts/emulated.mjs. */
export default mergeConfig(
  common,
  defineConfig({
    test: {
      include: ['test/cuda/**/*.test.ts'],
    },
  }),
)
