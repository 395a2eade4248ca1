import type { Artifacts, ArtifactFiles, Coverage, JobTests, TestResults } from '../../ui/lib/api.ts'
import { type Asked, ok, type Route } from './fake-reply.ts'
import { minutesAgo } from './fake-stories.ts'

/** What runs of the world have reported and kept, by run. */
export type FakeReports = {
  readonly tests: TestResults
  readonly coverage: Coverage
  readonly artifacts: Artifacts
  readonly files: ArtifactFiles
}

const NOTHING: FakeReports = {
  tests: {
    summary: { total: 0, passed: 0, failed: 0, skipped: 0, new_failures: 0, flaky: 0, duration_ms: 0 },
    reports: [],
    items: [],
    next: null,
  },
  coverage: { summary: null, reports: [], items: [], next: null },
  artifacts: { items: [], next: null },
  files: { items: [], next: null },
}

const test = (name: string, given: Partial<TestResults['items'][number]> = {}) => ({
  suite: 'cart',
  name,
  state: 'passed' as const,
  duration_ms: 41,
  message: '',
  details: '',
  new_failure: false,
  flaky: false,
  ...given,
})
const counted = (found: number, hit: number, difference: number | null) => ({
  ...{ lines_found: found, lines_hit: hit, branches_found: 0, branches_hit: 0 },
  ...{ percent: Math.round((10_000 * hit) / found) / 100, difference },
})

/** A run with red tests, a report that could not be read, coverage that fell, and files to look through. */
export const FULL: FakeReports = {
  tests: {
    summary: {
      total: 412,
      passed: 405,
      failed: 3,
      skipped: 4,
      new_failures: 1,
      flaky: 1,
      duration_ms: 12_300,
    },
    reports: [
      { kind: 'junit', path: 'reports/unit.xml', refusal: null },
      { kind: 'junit', path: 'reports/odd.xml', refusal: 'line 3: a DOCTYPE is not read' },
    ],
    items: [
      test('reserves before it charges', {
        ...{ state: 'failed', new_failure: true, duration_ms: 1_204 },
        ...{
          message: 'expected "reserved", got "charged"',
          details: 'at <script>alert(1)</script>\n  at cart.ts:41',
        },
      }),
      test('times out politely', { state: 'failed', duration_ms: 5_000, message: 'timeout' }),
      test('talks to the warehouse', { flaky: true }),
      test('is not for Windows', { state: 'skipped', duration_ms: null }),
    ],
    next: null,
  },
  coverage: {
    summary: { ...counted(4_000, 3_214, -1.25), files: 2, previous: { run: 1, percent: 81.6 } },
    reports: [],
    items: [
      { path: 'cart/reserve/with/a/rather/long/path/that/goes/on/reserve.ts', ...counted(200, 90, -12.5) },
      { path: 'cart/total.ts', ...counted(3_800, 3_124, null) },
    ],
    next: null,
  },
  artifacts: {
    items: [
      {
        ...{ name: 'kept', kind: 'kept', files: 3, bytes: 4_312_004, expired: false },
        ...{ created_at: minutesAgo(3), expires_at: minutesAgo(-60 * 24 * 7) },
      },
      {
        ...{ name: 'state', kind: 'state', files: 1, bytes: 12, expired: true },
        ...{ created_at: minutesAgo(3), expires_at: null },
      },
    ],
    next: null,
  },
  files: {
    items: [
      { path: 'dist', kind: 'folder', bytes: 0, mode: 0o755, target: null },
      { path: 'dist/a file & more.js', kind: 'file', bytes: 4_311_990, mode: 0o644, target: null },
      { path: 'dist/latest', kind: 'symlink', bytes: 0, mode: 0o777, target: 'a file & more.js' },
    ],
    next: null,
  },
}

/** Twenty runs of a job whose tests fail, shake and dawdle. */
export const HISTORY: JobTests['items'] = [
  ['reserves before it charges', 7, 0, 1_204, 'failed'],
  ['talks to the warehouse over a line that is sometimes slow and sometimes gone', 3, 5, 380, 'passed'],
  ['times out politely', 0, 0, 5_020, 'passed'],
  ['is not for Windows', 0, 0, null, 'skipped'],
].map(([name, failures, flaky, average_ms, last_state]) => ({
  ...{ suite: 'cart', runs: 20, last_run: 1, name, failures, flaky, average_ms, last_state },
})) as JobTests['items']

function jobTests({ world, url }: Asked, job: string): JobTests {
  const items = world.tested.has(job) ? HISTORY : []
  const by = { failing: 'failures', flaky: 'flaky', slowest: 'average_ms' } as const
  const column = by[url.searchParams.get('sort') as keyof typeof by]
  const told = items
    .filter((test) => (test[column] ?? 0) > 0)
    .toSorted((a, b) => (b[column] ?? 0) - (a[column] ?? 0))
  return { runs: items[0]?.runs ?? 0, items: told, next: null }
}

const of = ({ world }: Asked, id: string | undefined) => world.reports.get(Number(id)) ?? NOTHING

export const REPORTS: readonly Route[] = [
  [
    'GET',
    /^\/projects\/[^/]+\/pipelines\/[^/]+\/jobs\/([^/]+)\/tests$/,
    (asked, job = '') => ok(jobTests(asked, decodeURIComponent(job))),
  ],
  ['GET', /^\/runs\/(\d+)\/tests$/, (asked, id) => ok(sorted(of(asked, id).tests, asked.url))],
  ['GET', /^\/runs\/(\d+)\/coverage$/, (asked, id) => ok(of(asked, id).coverage)],
  ['GET', /^\/runs\/(\d+)\/artifacts$/, (asked, id) => ok(of(asked, id).artifacts)],
  [
    'GET',
    /^\/runs\/(\d+)\/artifacts\/\w+\/files$/,
    (asked, id) => {
      const prefix = asked.url.searchParams.get('prefix') ?? ''
      const items = of(asked, id).files.items.filter(({ path }) => path.startsWith(prefix))
      return ok({ items, next: null })
    },
  ],
]

const sorted = (tests: TestResults, url: URL): TestResults =>
  url.searchParams.get('sort') === 'slowest'
    ? { ...tests, items: tests.items.toSorted((a, b) => (b.duration_ms ?? 0) - (a.duration_ms ?? 0)) }
    : tests
