import { pino } from 'pino'
import { expect, test } from 'vitest'
import { Link } from '../../runner/link.ts'
import type { Work } from '../../runner/work.ts'
import { until } from '../support/until.ts'
import { FakeServer, TOKEN } from './fake-server.ts'
import { planOf } from './plans.ts'

const engine = { kind: 'scripted' as const, isolated: true, words: 'scripted' }
const self = { name: 'tester', version: '0', engine, slots: 2, checks: 0, labels: {} }

test('a run that cannot be taken ends as broken, says nothing of its plan, and the runner goes on', async () => {
  await using server = await FakeServer.listen()
  const hangUp = new AbortController()
  const bad = planOf(['say one'], { secrets: { TOKEN: 'hunter22' } })
  const taken: Work[] = []
  const take = (work: Work) => {
    if (work.plan.run === bad.run) throw new RangeError('too much of hunter22')
    taken.push(work)
  }
  const { address } = server
  const link = new Link({ address, token: TOKEN, self, log: pino({ level: 'silent' }), room: () => 1, take })
  const living = link.live(hangUp.signal)
  await until(() => server.said.some(({ say }) => say === 'ready'))
  server.give(bad)
  await until(() => server.end(bad.run))
  expect(server.entries(bad.run)).toEqual([
    {
      kind: 'run.ended',
      move: 'break',
      error: { code: 'plan_impossible', message: 'The runner could not take the run; its log says why.' },
      exitCode: null,
    },
  ])
  await until(() => link.carrying.length === 0)
  expect(server.said.at(-1)).toEqual({ say: 'ready', slots: 1, taken: 1 })
  server.give(planOf(['say two']))
  await until(() => taken.length === 1)
  hangUp.abort()
  await living
})
