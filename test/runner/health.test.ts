import { expect, test } from 'vitest'
import { Health } from '../../runner/pool/health.ts'
import { until } from '../support/until.ts'

/** An engine that is well or not as the test says, looked after in a hurry. */
function looked(rule = { most: 3, delayMs: 20, windowMs: 60_000 }) {
  const world = { wrong: null as string | null, checks: 0 }
  const told: string[] = []
  const ailed: (string | null)[] = []
  const health = new Health({
    check: async () => {
      world.checks++
      if (world.wrong !== null) throw new Error(world.wrong)
    },
    tell: ({ kind }) => told.push(kind),
    ail: (trouble) => ailed.push(trouble),
    everyMs: 20,
    rule,
  })
  const quit = new AbortController()
  const watching = health.watch(quit.signal)
  const dispose = async () => {
    quit.abort()
    await watching
  }
  return { world, told, ailed, health, [Symbol.asyncDispose]: dispose }
}

test('an engine that does not answer makes the runner take no work, and one that answers again makes it well', async () => {
  await using it = looked()
  await until(() => it.world.checks > 2)
  expect(it.ailed).toEqual([])
  it.world.wrong = 'no engine answers.'
  await until(() => it.ailed.length > 0)
  expect(it.ailed[0]).toBe('no engine answers.')
  it.world.wrong = null
  await until(() => it.ailed.at(-1) === null)
  expect([it.told[0], it.told.at(-1)]).toEqual(['degraded', 'recovered'])
})

test('an engine is tried again three times, and then not before a person says so', async () => {
  await using it = looked()
  it.world.wrong = 'no engine answers.'
  await until(() => it.ailed.at(-1)?.includes('reset the runner'))
  const { checks } = it.world
  expect(it.told).toEqual(['degraded', 'restarted', 'restarted', 'restarted'])
  it.world.wrong = null
  const since = Date.now()
  await until(() => Date.now() - since > 200)
  expect(it.world.checks).toBe(checks)
  it.health.reset()
  await until(() => it.ailed.at(-1) === null)
  expect(it.told.at(-1)).toBe('recovered')
})

test('when the span of the rule is over, it is tried again by itself', async () => {
  await using it = looked({ most: 2, delayMs: 10, windowMs: 300 })
  it.world.wrong = 'no engine answers.'
  await until(() => it.ailed.at(-1)?.includes('reset the runner'))
  it.world.wrong = null
  await until(() => it.ailed.at(-1) === null)
})
