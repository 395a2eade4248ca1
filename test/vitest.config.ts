import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const root = fileURLToPath(new URL('..', import.meta.url))
const database = ['test/support/global-setup.ts']
const project = (name: string, include: string[], more: object = {}) => ({
  extends: true as const,
  test: {
    name,
    include: include.map((folder) => (folder.endsWith('.ts') ? folder : `${folder}/**/*.test.ts`)),
    ...more,
  },
})

// `npm test` has said aloud that there is no browser, and has failed where there must be one.
const noBrowser = process.env['TAKT_TEST_CHROMIUM'] === ''
const inBrowser = [
  'test/ui/browser/**',
  'test/scenarios/dashboard.test.ts',
  'test/scenarios/first-run.test.ts',
  'test/scenarios/two-browsers.test.ts',
]

export default defineConfig({
  root,
  test: {
    // Nobody waits so long but for what hangs: the bounds are for that, on a machine four times slower.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    // The built-in second is too little for what a browser shows on a busy machine.
    expect: { poll: { timeout: 30_000 } },
    maxWorkers: 2,
    passWithNoTests: true,
    exclude: noBrowser ? inBrowser : [],
    projects: [
      project('pure', ['test/pipelines', 'test/architecture.test.ts', 'test/readme.test.ts']),
      project('server', ['test/server', 'test/command', 'test/scenarios', 'test/security'], {
        globalSetup: database,
      }),
      project('runner', ['test/runner', 'test/engines']),
      project('ui', ['test/ui'], { globalSetup: database }),
      project('whole', ['test/whole'], { fileParallelism: false }),
    ],
  },
})
