import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/bundle-report.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Two cores: more workers would only take the model's threads from one another.
    maxWorkers: 2,
  },
})
