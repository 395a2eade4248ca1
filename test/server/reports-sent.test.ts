import { expect, test } from 'vitest'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const FILE = `
jobs:
  test:
    when: push
    secrets: [API_KEY]
    run: sh ./tests.sh
    reports: { junit: [out/*.xml, missing.xml], coverage: lcov.info }
`
const TESTS = `mkdir -p out deep
echo '<testsuite name="unit"><testcase name="adds"/><testcase name="pays"><failure message="denied: '"$API_KEY"'"/></testcase></testsuite>' > out/unit.xml
echo '<testsuite name="broken">' > out/broken.xml
ln -s /etc/passwd out/stolen.xml
echo '<testsuite name="no"><testcase name="elsewhere"/></testsuite>' > deep/no.xml
printf 'SF:a.ts\\nDA:1,1\\nDA:2,0\\nend_of_record\\n' > lcov.info
exit 3
`
const SECRET = 'correct-horse-battery-staple-77'

test('a run’s reports reach people also when it failed, found by patterns, without its secrets, and no link is followed', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await house.ask('PUT /api/v1/projects/shop/secrets/API_KEY', { value: SECRET })
  await using _ = await startRunner(house, { engine: 'local' })
  await clone.push({ '.takt.yml': FILE, 'tests.sh': TESTS })
  await until(async () => (await house.ask('GET /api/v1/runs/1')).body.state === 'failed', {
    withinMs: 20_000,
  })
  const tests = await house.ask('GET /api/v1/runs/1/tests')
  expect(tests.body).toMatchObject({
    summary: { total: 2, passed: 1, failed: 1 },
    reports: [
      { path: 'out/broken.xml', refusal: expect.stringMatching(/line 2/) },
      { path: 'out/unit.xml', refusal: null },
    ],
    items: [{ name: 'pays', message: 'denied: ***' }, { name: 'adds' }],
  })
  const coverage = await house.ask('GET /api/v1/runs/1/coverage')
  expect(coverage.body).toMatchObject({ summary: { percent: 50 }, items: [{ path: 'a.ts' }] })
  const log = await house.ask('GET /api/v1/runs/1/log')
  expect(log.text).toMatch(/Report out\/broken\.xml is not XML/)
  expect(log.text).toMatch(/Report lcov\.info\n/)
  for (const { text } of [tests, log]) expect(text).not.toContain(SECRET)
})

test('reports that are not there are told in the log, and fail nothing', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await using _ = await startRunner(house, { engine: 'local' })
  await clone.push({ '.takt.yml': 'jobs: { test: { run: "true", reports: { junit: out/*.xml } } }' })
  await until(async () => (await house.ask('GET /api/v1/runs/1')).body.state === 'succeeded', {
    withinMs: 20_000,
  })
  const log = await house.ask('GET /api/v1/runs/1/log')
  expect(log.text).toContain('Reports (junit): nothing is there at out/*.xml')
})
