import { expect, test } from 'vitest'
import { forked } from '../support/forked.ts'
import { startRunner } from '../support/runner.ts'
import { until } from '../support/until.ts'

// What a fork may not put: test/server/puts.test.ts; powers of root: 15-16-what-a-container-may.test.ts.

const SAY = `'echo "was [$(cat store/y 2>/dev/null)], secret [\${KEY-}]"', 'mkdir -p store; cp a store/y'`
const JOBS = `say: { cache: { own: { key: a, paths: [store/] } }, run: [${SAY}] }
  deploy: { when: push, secrets: [KEY], run: 'true' }`
/** What the fork makes of it. */
const EVIL = `triggers: { push: main, pull_request: main }
jobs:
  say: { cache: { own: { key: a, paths: [store/] } }, run: [${SAY}] }
  deploy: { secrets: [KEY], run: steal }
  more: { secrets: [KEY], run: steal }
`

test('7, 8: a fork runs when its very head was approved, without a secret, by the target’s word on those, and spoils no cache', async () => {
  await using it = await forked(undefined, JOBS)
  const { house, pull } = it
  await house.ask('PUT /api/v1/projects/shop/secrets/KEY', { value: 'hunter-of-secrets' })
  await using _runner = await startRunner(house, { engine: 'local', slots: 1 })
  const ended = async (lane: string, number: number) => {
    const run = await until(
      async () =>
        (await house.ask(`GET /api/v1/runs?job=say&lane=${lane}`)).body.items.find(
          (each: { number: number; ended_at: string | null }) => each.number === number && each.ended_at,
        ),
      { withinMs: 30_000 },
    )
    return (await house.ask(`GET /api/v1/runs/${run.id}/log`)).text
  }
  expect(await ended('main', 1)).toContain('was [], secret []\n')

  const old = await pull.commit({ a: 'older', '.takt.yml': EVIL })
  await it.say('opened', old)
  const head = await pull.commit({ a: 'evil' })
  await it.say('synchronize', head)
  expect((await it.decide('approve', old)).body.code).toBe('head-moved')
  expect(await it.runs()).toEqual([])
  await it.decide('approve', head)
  const log = await ended('pr/2', 2)
  expect(log).toContain('was [main], secret []\n')
  expect(log).toContain('Cache own: kept')
  const runs = (await it.runs()).map(({ job, state }: Record<string, string>) => `${job} ${state}`)
  expect(runs.toSorted()).toEqual(['deploy skipped', 'say succeeded'])

  // The same content on the branch itself finds what the branch kept, and nothing of what the fork left.
  const main = await it.git.clone.commit({
    '.takt.yml': `triggers: { push: main, pull_request: main }\njobs:\n  ${JOBS}\n`,
  })
  await it.git.clone.git('push', '-q', 'origin', 'HEAD:refs/heads/main')
  await pull.push(pull.main, main)
  expect(await ended('main', 3)).toContain('was [main], secret []\n')
})
