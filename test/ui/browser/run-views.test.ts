import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import { fullWorld } from '../fake-house.ts'
import { closeTerminal, openTerminal } from '../fake-terminals.ts'
import { openHouse, type House } from './dashboard.ts'

let house: House
beforeAll(async () => (house = await openHouse()))
afterAll(() => house[Symbol.asyncDispose]())

function world() {
  const full = fullWorld()
  const [run] = full.reports.keys()
  return { full, run, empty: [...full.runs.values()].find(({ id }) => id !== run)?.id }
}

describe('the views of a run', () => {
  test('show failed tests first, the new ones open, and reports that could not be read', async () => {
    const { full, run } = world()
    await using visit = await house.visit(full, { path: `/runs/${run}` })
    await visit.page.getByRole('link', { name: 'Tests' }).click()
    await visit.page.getByText('405 passed · 3 failed, 1 of them new · 4 skipped · 1 flaky · 12 s').waitFor()
    await visit.page.getByText('a DOCTYPE is not read').waitFor()
    await visit.page.getByText('at <script>alert(1)</script>').waitFor()
    expect(await visit.page.getByText('timeout', { exact: true }).isVisible()).toBe(false)
    await visit.page.getByRole('button', { name: 'Slowest' }).click()
    await until(async () =>
      (await visit.page.locator('section li').first().innerText()).includes('times out politely'),
    )
    expect(new URL(visit.page.url()).search).toBe('?show=tests')
    expect(visit.complaints).toEqual([])
  })

  test('show coverage with its difference to the run before', async () => {
    const { full, run } = world()
    await using visit = await house.visit(full, { path: `/runs/${run}?show=coverage` })
    await visit.page.getByRole('heading', { name: '80.35 %' }).waitFor()
    await visit.page.getByText('−1.25 points to run 1').waitFor()
    await visit.page.getByText('−12.50').waitFor()
  })

  test('let people look through files and take them home', async () => {
    const { full, run } = world()
    await using visit = await house.visit(full, { path: `/runs/${run}?show=files` })
    const packed = visit.page.getByRole('link', { name: /Download/ })
    expect(await packed.getAttribute('href')).toBe(`/api/v1/runs/${run}/artifacts/kept.tar.gz`)
    await visit.page.getByText('Its time was over: the files are gone.').waitFor()
    await visit.page.getByText('Look through them').click()
    const file = visit.page.getByRole('link', { name: 'dist/a file & more.js' })
    await file.waitFor()
    expect(await file.getAttribute('href')).toBe(
      `/api/v1/runs/${run}/artifacts/kept/files/dist/a%20file%20%26%20more.js`,
    )
    await visit.page.getByLabel('Paths that begin with').fill('dist/l')
    await visit.page.getByRole('button', { name: 'Show', exact: true }).click()
    await until(async () => (await file.count()) === 0)
    await visit.page.getByText('dist/latest → a file & more.js').waitFor()
    expect(visit.complaints).toEqual([])
  })

  test('say in words what is not there, and how it could be', async () => {
    const { full, empty } = world()
    await using visit = await house.visit(full, { path: `/runs/${empty}?show=tests` })
    await visit.page.getByText('No test results.').waitFor()
    await visit.page.getByRole('link', { name: 'Coverage' }).click()
    await visit.page.getByText('No coverage.').waitFor()
    await visit.page.getByRole('link', { name: 'Files' }).click()
    await visit.page.getByText('No files.').waitFor()
    await visit.page.getByRole('link', { name: 'Log', exact: true }).click()
    await visit.page.getByRole('heading', { name: 'Log' }).waitFor()
  })

  test('tell what it wrote, took and went through before', async () => {
    const { full, run } = world()
    const [begun, lost] = ['2026-03-01T12:00:00.000Z', '2026-03-01T12:02:00.000Z']
    const attempt = { attempt: 1, state: 'errored' as const, exit_code: null, runner: 'bench-2' }
    const reason = 'attempt 1 was lost: no word from it for a minute'
    Object.assign(full.runs.get(run ?? 0) ?? {}, {
      ...{ attempt: 2, earlier: [{ ...attempt, reason, started_at: begun, ended_at: lost }] },
    })
    await using visit = await house.visit(full, { path: `/runs/${run}` })
    const facts = visit.page.locator('aside')
    await facts.getByText('v1.4.2').waitFor()
    await facts.getByText('was lost on bench-2').waitFor()
    await facts.getByText('no word from it for a minute', { exact: true }).waitFor()
    await facts.getByText('311 MiB of memory at most · 1 m 13 s of a processor').waitFor()
  })

  test('a kept container says for how long, and is let go by a button', async () => {
    const { full, run } = world()
    await using visit = await house.visit(full, { path: `/runs/${run}` })
    await visit.page.getByText(/Its container is kept, for 2\d m \d\d s more/).waitFor()
    await visit.page.getByRole('button', { name: 'Terminal' }).waitFor()
    await visit.page.getByRole('button', { name: 'End it now' }).click()
    await visit.page.getByRole('button', { name: 'Ending…' }).waitFor()
    expect(full.asked).toContain(`POST /runs/${run}/hold/end`)
  })

  test('who opened a terminal is told as it happens, and nothing where nobody did', async () => {
    const { full, run, empty } = world()
    const looked = run === undefined ? undefined : full.runs.get(run)
    if (!looked) throw new Error('no run that people look into')
    await using visit = await house.visit(full, { path: `/runs/${run}` })
    await visit.page.getByText('1 terminal', { exact: true }).click()
    const rows = visit.page
      .getByRole('list', { name: 'Terminals that were opened in it' })
      .getByRole('listitem')
    expect(await rows.first().innerText()).toMatch(
      /^ada ran cat shots.reserve.png.*\n.* – .*:\d\d:\d\d.* · 3.0 s · left by ada$/s,
    )
    const terminal = openTerminal(full, looked, { user: 'grace' })
    await visit.page.getByText('2 terminals, 1 open now').waitFor()
    await until(async () => /^grace opened a shell.*open now · since/s.test(await rows.first().innerText()))
    closeTerminal(full, looked, terminal)
    await until(async () => /exit code 0$/.test(await rows.first().innerText()))
    await visit.page.goto(`/runs/${empty}`)
    await visit.page.getByRole('heading', { name: 'Log' }).waitFor()
    expect(await visit.page.getByText(/\d terminal/).count()).toBe(0)
    expect(visit.complaints).toEqual([])
  })

  test('a kept container into which nobody has looked says so', async () => {
    const { full, run } = world()
    full.terminals.clear()
    await using visit = await house.visit(full, { path: `/runs/${run}` })
    await visit.page.getByText('Nobody has opened a terminal in it yet.').waitFor()
  })

  test('a terminal is loaded when somebody opens one, and not before', async () => {
    const { full, run } = world()
    await using visit = await house.visit(full, { path: `/runs/${run}` })
    const loaded = () =>
      visit.page.evaluate<string[]>("performance.getEntriesByType('resource').map(({ name }) => name)")
    await visit.page.getByRole('button', { name: 'Terminal' }).waitFor()
    expect((await loaded()).filter((name) => /TerminalPane/.test(name))).toEqual([])
    await visit.page.getByRole('button', { name: 'Terminal' }).click()
    await visit.page.getByRole('region', { name: /^Terminal in/ }).waitFor()
    await visit.page.getByText('Closed: the connection was lost').waitFor()
    await visit.page.getByRole('button', { name: 'Put away' }).click()
    await until(async () => (await visit.page.getByRole('region', { name: /^Terminal in/ }).count()) === 0)
    expect(visit.complaints).toEqual([])
  })
})

describe('the tests of a job over time', () => {
  test('are reached from a run, and told by what people look for', async () => {
    const { full, run } = world()
    await using visit = await house.visit(full, { path: `/runs/${run}?show=tests` })
    await visit.page.getByRole('link', { name: 'over time' }).click()
    await visit.page.getByText('Over its newest 20 runs with test results, on all lanes.').waitFor()
    const rows = visit.page.locator('section li')
    expect(await rows.allInnerTexts()).toEqual([
      expect.stringMatching(
        /reserves before it charges\s+1.2 s on average · last failed in run 1\s+Failed:\s+7\/20/,
      ),
      expect.stringMatching(
        /talks to the warehouse.*flaky in 5 of 20 · 380 ms on average.*\s+Failed:\s+3\/20/s,
      ),
    ])
    await visit.page.getByRole('link', { name: 'Slowest' }).click()
    await rows.first().getByText('times out politely').waitFor()
    expect(new URL(visit.page.url()).search).toBe('?sort=slowest')
    expect(visit.complaints).toEqual([])
  })

  test('and its place on the line lead to each other', async () => {
    const { full } = world()
    await using visit = await house.visit(full, { path: '/p/shop/nightly/jobs/fuzz/tests' })
    await visit.page.getByRole('link', { name: 'fuzz', exact: true }).click()
    await visit.page.getByRole('link', { name: 'Tests over time' }).click()
    await visit.page.getByRole('heading', { name: 'Tests of fuzz' }).waitFor()
  })

  test('say in words that there are none, and how there could be', async () => {
    const { full } = world()
    await using visit = await house.visit(full, { path: '/p/shop/main/jobs/lint/tests' })
    await visit.page.getByText('No run of it has reported tests.').waitFor()
    await visit.page.goto('/p/shop/nightly/jobs/fuzz/tests?sort=flaky')
    await visit.page.getByText('5/20').waitFor()
  })

  test('follow the runs of it that end', async () => {
    const { full } = world()
    await using visit = await house.visit(full, { path: '/p/shop/nightly/jobs/fuzz/tests' })
    await visit.page.getByText('Over its newest 20 runs').waitFor()
    full.tested.clear()
    const next = full.addRun(full.line('shop', 'nightly')!, 'fuzz')
    full.move(next, 'running')
    full.move(next, 'failed')
    await visit.page.getByText('No run of it has reported tests.').waitFor()
  })
})

describe('a run that stopped', () => {
  test('runs again with all that failed with its versions, each run named, and says what that means', async () => {
    const full = fullWorld()
    const red = [...full.runs.values()].find((run) => run.job === 'browser' && run.state === 'errored')
    await using visit = await house.visit(full, { path: `/runs/${red?.id}` })
    await visit.page.getByText('Which of these?').click()
    await visit.page.getByText('Steps that succeeded are passed over only from a').waitFor()
    await visit.page.getByRole('button', { name: 'Run again all that failed' }).click()
    const started = visit.page.getByRole('status').filter({ hasText: 'Started' })
    await started.getByRole('link', { name: 'types #5' }).waitFor()
    await started.getByRole('link', { name: 'browser #2' }).click()
    await visit.page.getByRole('heading', { name: 'browser #2' }).waitFor()
    expect(visit.complaints).toEqual([])
  })

  test('shows on a phone whose commit it is, and nothing lies above what its buttons mean', async () => {
    const full = fullWorld()
    const red = [...full.runs.values()].find((run) => run.job === 'browser' && run.state === 'errored')
    await using visit = await house.visit(full, { path: `/runs/${red?.id}`, width: 390 })
    // All of it at once: nothing has to be scrolled to.
    await visit.page.setViewportSize({ width: 390, height: 1_600 })
    await visit.page.getByText('Which of these?').click()
    const last = visit.page.getByText('Each begins at its first step')
    await last.waitFor()
    await visit.page.getByRole('heading', { name: 'Log' }).waitFor()
    const isCovered = (covered: Element) => {
      const { left, right, top, bottom } = covered.getBoundingClientRect()
      return [0.1, 0.5, 0.9].some((share) => {
        const at = document.elementFromPoint((left + right) / 2, top + (bottom - top) * share)
        return at === null || !covered.contains(at)
      })
    }
    for (const words of await visit.page.locator('main header details p').all())
      expect(await words.evaluate(isCovered)).toBe(false)
    const commit = visit.page.locator('main header p.commit')
    const buttons = visit.page.getByRole('button', { name: 'Retry', exact: true })
    expect((await commit.boundingBox())?.width).toBeGreaterThan(340)
    expect((await buttons.boundingBox())?.y).toBeGreaterThan((await commit.boundingBox())?.y ?? Infinity)
  })
})

describe('the times of a run', () => {
  test('show what led to it and its steps, each as a row that can be read', async () => {
    const full = fullWorld()
    const staging = [...full.runs.values()].find((run) => run.job === 'staging')
    await using visit = await house.visit(full, { path: `/runs/${staging?.id}` })
    await visit.page.getByRole('link', { name: 'Times' }).click()
    const led = visit.page.getByRole('region', { name: 'What led to staging #1' })
    await led.getByText(/^Critical path/).waitFor()
    await led.getByRole('row', { name: /^build succeeded.* 1 m 11 s$/ }).waitFor()
    const steps = visit.page.getByRole('region', { name: 'Its steps' })
    await steps.getByRole('row', { name: /prepare succeeded.* 2\.0 s$/ }).waitFor()
    await visit.page.getByRole('link', { name: /^All that came of/ }).click()
    await visit.page.waitForURL(/\/p\/shop\/main\?lane=main&version=/)
    expect(visit.complaints).toEqual([])
  })
})
