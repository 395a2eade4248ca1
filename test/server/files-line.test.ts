import { expect, test } from 'vitest'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

/** The newest run of a job, when it has ended. */
const endOf = (house: House, job: string, number = 1) =>
  until(
    async () => {
      const { items } = (await house.ask(`GET /api/v1/runs?job=${job}`)).body
      const run = items.find((each: { number: number }) => each.number === number)
      return run?.ended_at && (await house.ask(`GET /api/v1/runs/${run.id}`)).body
    },
    { withinMs: 50_000 },
  )
const logOf = async (house: House, id: number) => (await house.ask(`GET /api/v1/runs/${id}/log`)).text

test('what one runner’s job keeps, a job on another runner finds', { timeout: 60_000 }, async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const file = `
jobs:
  build:
    runs_on: box=first
    run: [mkdir -p dist/deep, echo built > dist/deep/app.txt, echo no > left.txt]
    keep: dist/
  test:
    needs: build
    runs_on: box=second
    run: [cat dist/deep/app.txt, test ! -e left.txt, test -e .takt.yml]
`
  await using _first = await startRunner(house, { engine: 'local', name: 'first', labels: 'box=first' })
  await using _second = await startRunner(house, { engine: 'local', name: 'second', labels: 'box=second' })
  await clone.push({ '.takt.yml': file })
  const build = await endOf(house, 'build')
  expect({ ...build, log: await logOf(house, build.id) }).toMatchObject({
    state: 'succeeded',
    runner: 'first',
  })
  const run = await endOf(house, 'test')
  expect(await logOf(house, run.id)).toContain('built\n')
  expect(run).toMatchObject({ state: 'succeeded', runner: 'second' })
})

test('state and caches of a run are there in the next one', { timeout: 60_000 }, async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const file = `
jobs:
  count:
    cache: { npm: lock, own: { key: lock, paths: [store/] }, off: { key: no-lock, paths: [store/] } }
    run:
      - n=$(cat "$TAKT_STATE/n" 2>/dev/null || echo 0); echo "count $((n + 1))"; echo $((n + 1)) > "$TAKT_STATE/n"
      - ls "$npm_config_cache/x" store/y 2>/dev/null || echo "no cache"
      - mkdir -p "$npm_config_cache" store; echo x > "$npm_config_cache/x"; echo y > store/y
`
  await using _runner = await startRunner(house, { engine: 'local', slots: 1 })
  await clone.push({ '.takt.yml': file, lock: '1' })
  const first = await endOf(house, 'count', 1)
  const said = await logOf(house, first.id)
  expect(said).toContain('count 1\n')
  expect(said).toContain('no cache\n')
  expect(said).toContain('Cache npm: kept')
  expect(said).toContain('Cache off: its key is made of no file: nothing is there at no-lock\n')
  expect(said).not.toContain('Cache npm: its key is made of no file')
  await clone.push({ other: '1' })
  const second = await logOf(house, (await endOf(house, 'count', 2)).id)
  expect(second).toContain('count 2\n')
  expect(second).toContain('Cache npm: found\n')
  expect(second).toContain('store/y\n')
  expect(second).not.toContain('Cache npm: kept')
  await clone.push({ lock: '2' })
  const third = await logOf(house, (await endOf(house, 'count', 3)).id)
  expect(third).toContain('Cache npm: found one of other contents\n')
  expect(third).toContain('Cache npm: kept')
})
