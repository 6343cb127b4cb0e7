import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Synthesising takes seconds on a busy machine.
    testTimeout: 120_000,
    // Files share what CDK loads, which is most of their time.
    isolate: false,
    maxWorkers: 1,
  },
});
