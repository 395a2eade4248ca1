import { describe, expect, test } from 'vitest'
import { junit, lcov, tested } from '../support/tested.ts'

describe('test reports', () => {
  test('tell what is newly red, red for longer, flaky, slow; in the order that people want to see it', async () => {
    await using line = await tested()
    await line.push()
    const first = await line.pass((post) =>
      post('junit', 'junit.xml', junit({ a: 'p', b: 'f', c: 'p', d: 'p' })),
    )
    expect((await line.tests(first)).summary).toMatchObject({ total: 4, failed: 1, new_failures: 0 })

    await line.push()
    const second = await line.pass(async (post) => {
      await post('junit', 'out/one.xml', junit({ a: 'f', b: 'f', d: 's' }))
      await post('junit', 'out/two.xml', junit({ c: 'f', d: 'p', e: 'f' }))
      await post('junit', 'out/again.xml', junit({ c: 'p' }))
    })
    const { summary, items, next: more, reports } = await line.tests(second)
    expect(summary).toMatchObject({ total: 5, passed: 1, failed: 4, skipped: 0, new_failures: 3, flaky: 1 })
    expect(reports.map(({ path }: { path: string }) => path)).toEqual([
      'out/again.xml',
      'out/one.xml',
      'out/two.xml',
    ])
    expect(more).toBeNull()
    const shown = items.map((item: Record<string, unknown>) => [
      item['name'],
      item['state'],
      item['new_failure'],
      item['flaky'],
    ])
    expect(shown).toEqual([
      ['a', 'failed', true, false],
      ['c', 'failed', true, true],
      ['e', 'failed', true, false],
      ['b', 'failed', false, false],
      ['d', 'passed', false, false],
    ])
    expect(items[0]).toMatchObject({ suite: 'unit', duration_ms: 500, message: 'no', details: 'deep\nstack' })
  })

  test('of two runs with the same versions that come out otherwise tell of a flaky test', async () => {
    await using line = await tested()
    await line.push()
    const first = await line.pass((post) => post('junit', 'junit.xml', junit({ a: 'f', b: 'p' })))
    await line.house.ask(`POST /api/v1/runs/${first}/retry`)
    const second = await line.pass((post) => post('junit', 'junit.xml', junit({ a: 'p', b: 'p' })))
    const { summary, items } = await line.tests(second)
    expect(summary).toMatchObject({ passed: 2, flaky: 1 })
    expect(items[0]).toMatchObject({ name: 'a', state: 'passed', flaky: true })
  })

  test('that come twice, as after a lost answer, count once', async () => {
    await using line = await tested()
    await line.push()
    const run = await line.pass(async (post) => {
      for (let times = 0; times < 3; times++) await post('junit', 'junit.xml', junit({ a: 'f', b: 'p' }))
    })
    expect((await line.tests(run)).summary).toMatchObject({ total: 2, failed: 1, flaky: 0 })
  })

  test('are read page by page, by state, and by time', async () => {
    await using line = await tested()
    await line.push()
    const names = Array.from({ length: 25 }, (_, at) => `t${String(at).padStart(2, '0')}`)
    const run = await line.pass(async (post) => {
      await post(
        'junit',
        'a.xml',
        junit(Object.fromEntries(names.map((name, at) => [name, at % 5 ? 'p' : 'f']))),
      )
      await post('junit', 'b.xml', junit({ slow: 'p' }, 9))
    })
    const seen: string[] = []
    for (let after = ''; ;) {
      const page = await line.tests(run, `?limit=7${after}`)
      seen.push(...page.items.map(({ name }: { name: string }) => name))
      if (page.next === null) break
      after = `&after=${page.next}`
    }
    expect(seen).toHaveLength(26)
    expect(new Set(seen).size).toBe(26)
    expect((await line.tests(run, '?state=failed')).items).toHaveLength(5)
    expect((await line.tests(run, '?sort=slowest&limit=1')).items).toMatchObject([
      { name: 'slow', duration_ms: 9_000 },
    ])
    expect((await line.house.ask(`GET /api/v1/runs/${run}/tests?after=x`)).status).toBe(422)
  })

  test('of a job’s newest runs name its failing, flaky and slow tests', async () => {
    await using line = await tested()
    for (const [a, b] of ['pf', 'ff', 'pf'].map((pair) => [...pair] as ('p' | 'f')[])) {
      await line.push()
      await line.pass(async (post) => {
        await post('junit', 'a.xml', junit({ a: a!, b: b!, c: 'p' }))
        await post('junit', 'b.xml', junit({ slow: 'p' }, 9))
      })
    }
    const of = async (sort: string) =>
      (await line.house.ask(`GET /api/v1/projects/shop/pipelines/main/jobs/test/tests?sort=${sort}`)).body
    const failing = await of('failing')
    expect(failing).toMatchObject({ runs: 3, next: null })
    expect(failing.items).toMatchObject([
      { name: 'b', runs: 3, failures: 3, last_state: 'failed', average_ms: 500 },
      { name: 'a', runs: 3, failures: 1, last_state: 'passed' },
    ])
    expect((await of('slowest')).items[0]).toMatchObject({ name: 'slow', average_ms: 9_000 })
    expect((await of('flaky')).items).toEqual([])
  })

  test('that cannot be read are a visible note and no failure', async () => {
    await using line = await tested()
    await line.push()
    const bomb = '<!DOCTYPE a [<!ENTITY x "y">]><testsuites>&x;</testsuites>'
    const run = await line.pass(async (post) => {
      expect((await post('junit', 'bad.xml', bomb)).body.refusal).toMatch(/entities/)
      expect((await post('junit', 'big.xml', 'x'.repeat(17 * 2 ** 20))).body.refusal).toMatch(/16 MiB/)
      expect(await post('junit', 'good.xml', junit({ a: 'p' }))).toMatchObject({
        status: 200,
        body: { refusal: null },
      })
    })
    const { summary, reports } = await line.tests(run)
    expect(summary.total).toBe(1)
    expect(reports).toEqual([
      { kind: 'junit', path: 'bad.xml', refusal: expect.stringMatching(/entities/) },
      { kind: 'junit', path: 'big.xml', refusal: expect.stringMatching(/16 MiB/) },
      { kind: 'junit', path: 'good.xml', refusal: null },
    ])
  })

  test('are taken from the holder of the lease, under a path in the workspace', async () => {
    await using line = await tested()
    await line.push()
    await line.pass(async (post) => {
      for (const path of ['../etc/passwd', '/abs.xml', '', 'a/../../b', 'x'.repeat(600)])
        expect((await post('junit', path, junit({ a: 'p' }))).status).toBe(422)
      expect((await post('checkstyle', 'a.xml', '<a/>')).status).toBe(422)
      const stranger = line.send(1, 'a lease of nobody at all')
      expect((await stranger('junit', 'a.xml', junit({ a: 'p' }))).body.code).toBe('stale-lease')
    })
    expect((await line.tests(1)).reports).toEqual([])
  })
})

describe('coverage', () => {
  test('is told file by file, with the difference to the run before on the lane', async () => {
    await using line = await tested()
    await line.push()
    const first = await line.pass((post) =>
      post('coverage', 'lcov.info', lcov({ 'a.ts': [1, 0], 'b.ts': [1, 1] })),
    )
    const coverage = async (run: number, query = '') =>
      (await line.house.ask(`GET /api/v1/runs/${run}/coverage${query}`)).body
    expect((await coverage(first)).summary).toMatchObject({
      percent: 75,
      difference: null,
      previous: null,
      files: 2,
    })
    await line.push()
    const second = await line.pass((post) =>
      post('coverage', 'lcov.info', lcov({ 'a.ts': [1, 1], 'b.ts': [1, 1], 'c.ts': [0, 0] })),
    )
    const { summary, items, next: more } = await coverage(second)
    expect(summary).toMatchObject({
      percent: 66.67,
      difference: -8.33,
      previous: { run: first, percent: 75 },
    })
    expect(items).toMatchObject([
      { path: 'a.ts', percent: 100, difference: 50 },
      { path: 'b.ts', percent: 100, difference: 0 },
      { path: 'c.ts', percent: 0, difference: null },
    ])
    expect(more).toBeNull()
    const page = await coverage(second, '?limit=2')
    expect(page.next).toBe('b.ts')
    expect((await coverage(second, `?limit=2&after=${page.next}`)).items).toMatchObject([{ path: 'c.ts' }])
  })

  test('of a run that has none is nothing, and no error', async () => {
    await using line = await tested()
    await line.push()
    const run = await line.pass(async () => {})
    const { body } = await line.house.ask(`GET /api/v1/runs/${run}/coverage`)
    expect(body).toEqual({ summary: null, reports: [], items: [], next: null })
  })
})
