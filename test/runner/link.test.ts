import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import type { CheckId } from '#pipelines/ids.ts'
import { DIALECT } from '#pipelines/wire/runner.ts'
import { type Engine, exited, type ExitStatus, type Output } from '../../runner/engine.ts'
import { noFreight } from '../../runner/freight.ts'
import { Refused } from '../../runner/connection.ts'
import { Link, type LinkOptions } from '../../runner/link.ts'
import { openPool } from '../../runner/pool/open-pool.ts'
import { noResources } from '../../runner/resources.ts'
import { scriptedEngine } from '../../runner/scripted.ts'
import { serve } from '../../runner/serve.ts'
import { FakeServer, TOKEN } from './fake-server.ts'
import { planOf } from './plans.ts'
import { until } from '../support/until.ts'

const log = pino({ level: 'silent' })
const self = {
  name: 'tester',
  version: '0',
  engine: { kind: 'scripted' as const, isolated: true, words: 'scripted' },
  slots: 2,
  checks: 0,
  labels: {},
}

/** A runner, in this process, that dials the fake server. */
function runnerOf(
  server: FakeServer,
  {
    token = TOKEN,
    engine = scriptedEngine(),
    checks = null,
  }: { token?: string; engine?: Engine; checks?: LinkOptions['checks'] } = {},
) {
  const quit = new AbortController()
  const hangUp = new AbortController()
  const { address } = server
  const opened = openPool({ least: 2, most: 2, idleMs: 60_000 }, { engine, log })
  const service = serve(
    { engine, log, freight: noFreight, resources: noResources },
    {
      pool: opened.pool,
      most: 2,
      quit: quit.signal,
      connect: (taker) => new Link({ address, token, self, log, checks, refusedMs: 10, ...taker }),
    },
  )
  opened.attach(service.link)
  const living = service.link.live(hangUp.signal)
  living.catch(() => {}) // the test that expects it to fail looks at `living` itself
  const dispose = async () => {
    service.link.carrying.forEach((work) => work.forget())
    hangUp.abort()
    await living.catch(() => {}) // likewise
    await opened[Symbol.asyncDispose]()
  }
  return { ...service, living, quit, [Symbol.asyncDispose]: dispose }
}

const welcomed = (server: FakeServer) => until(() => server.said.some(({ say }) => say === 'ready'))

describe('the link', () => {
  test('a runner says hello, then how much room it has', async () => {
    await using server = await FakeServer.listen()
    await using _runner = runnerOf(server)
    await welcomed(server)
    const hello = { say: 'hello', dialect: DIALECT, name: 'tester', slots: 2, carrying: [] }
    expect(server.said[0]).toMatchObject(hello)
    expect(server.said[1]).toEqual({ say: 'ready', slots: 2, taken: 0 })
  })

  test('a run is reported in order, from prepare to verdict, exactly once', async () => {
    await using server = await FakeServer.listen()
    await using _runner = runnerOf(server)
    await welcomed(server)
    const plan = planOf(['say one', 'say two'])
    server.give(plan)
    await until(() => server.end(plan.run))
    expect(server.entries(plan.run).map((entry) => entry.kind)).toEqual([
      ...['step.started', 'log', 'step.ended'],
      ...[
        'step.started',
        'command.started',
        'log',
        'command.ended',
        'command.started',
        'log',
        'command.ended',
        'step.ended',
      ],
      'run.ended',
    ])
    expect(server.log(plan.run).toString()).toBe('one\ntwo\n')
    expect(server.end(plan.run)).toMatchObject({ move: 'succeed', error: null })
  })

  test('room is said again when a slot frees', async () => {
    await using server = await FakeServer.listen()
    await using _runner = runnerOf(server)
    await welcomed(server)
    server.give(planOf(['hang']))
    const short = planOf(['say hi'])
    server.give(short)
    await until(() => server.end(short.run))
    await until(() => server.said.filter(({ say }) => say === 'ready').length === 2)
    expect(server.said.at(-1)).toEqual({ say: 'ready', slots: 1, taken: 2 })
  })

  test('a run sent beyond the room waits for a slot', async () => {
    await using server = await FakeServer.listen()
    await using _runner = runnerOf(server)
    await welcomed(server)
    const plans = [planOf(['hang']), planOf(['hang']), planOf(['say third'])]
    plans.forEach((plan) => server.give(plan))
    await until(() => server.entries(plans[1]!.run).length >= 4)
    expect(server.entries(plans[2]!.run)).toEqual([])
    server.say({ say: 'stop', run: plans[0]!.run, reason: 'enough' })
    await until(() => server.end(plans[2]!.run))
  })

  test('after a redial everything unheard is said again, nothing lost and nothing doubled', async () => {
    await using server = await FakeServer.listen()
    await using runner = runnerOf(server)
    await welcomed(server)
    const lines = Array.from({ length: 60 }, (_, index) => `say line ${index}`)
    const plan = planOf(lines.flatMap((line) => [line, 'sleep 5']))
    const lease = server.give(plan)
    await until(() => server.entries(plan.run).length > 20)
    server.silent = true
    await until(() => server.entries(plan.run).length > 60)
    server.deaf = true
    await until(() => runner.link.carrying[0]!.unheard.length > 60)
    server.cut()
    Object.assign(server, { silent: false, deaf: false })
    await until(() => server.end(plan.run))
    expect(server.log(plan.run).toString()).toBe(lines.map((line) => line.slice(4) + '\n').join(''))
    expect(server.repeated).toBeGreaterThan(20)
    expect(server.said.filter(({ say }) => say === 'hello').at(-1)).toMatchObject({
      carrying: [{ run: plan.run, lease }],
    })
  })

  test('a run goes on while the server is away, and is reported when it is back', async () => {
    await using server = await FakeServer.listen()
    await using runner = runnerOf(server)
    await welcomed(server)
    const plan = planOf(['say before', 'sleep 50', 'say after'])
    server.give(plan)
    await until(() => server.log(plan.run).length > 0)
    const { port } = server
    await server.close()
    await runner.idle()
    await server.open(port)
    await until(() => server.end(plan.run))
    expect(server.log(plan.run).toString()).toBe('before\nafter\n')
    await until(() => runner.link.carrying.length === 0)
  })

  test('a stopped run ends as cancelled', async () => {
    await using server = await FakeServer.listen()
    await using _runner = runnerOf(server)
    await welcomed(server)
    const plan = planOf(['hang'])
    server.give(plan)
    await until(() => server.entries(plan.run).length >= 5)
    server.say({ say: 'stop', run: plan.run, reason: 'a newer commit came' })
    await until(() => server.end(plan.run))
    expect(server.end(plan.run)).toMatchObject({ move: 'cancel', error: null })
    expect(server.entries(plan.run).at(-2)).toMatchObject({
      kind: 'step.ended',
      step: 1,
      state: 'cancelled',
      exitCode: null,
    })
  })

  test('of a forgotten run nothing more is said, and its slot is free again', async () => {
    await using server = await FakeServer.listen()
    await using runner = runnerOf(server)
    await welcomed(server)
    const plan = planOf(['hang'])
    server.give(plan)
    await until(() => server.entries(plan.run).length >= 5)
    const before = server.entries(plan.run).length
    server.say({ say: 'forget', run: plan.run })
    await runner.idle()
    await until(() => server.said.at(-1)?.say === 'ready')
    expect(server.entries(plan.run)).toHaveLength(before)
    expect(runner.link.carrying).toEqual([])
  })

  test('leases are renewed every third of their time', async () => {
    await using server = await FakeServer.listen()
    server.leaseMs = 90
    await using _runner = runnerOf(server)
    await welcomed(server)
    const plan = planOf(['hang'])
    const lease = server.give(plan)
    await until(
      () => server.said.filter((says) => says.say === 'alive' && says.carrying.length === 1).length >= 3,
    )
    expect(server.said.at(-1)).toEqual({ say: 'alive', carrying: [{ run: plan.run, lease }] })
  })

  test('a run that has said 8 MiB unheard is made to wait, and goes on when it is heard', async () => {
    let given = 0
    const size = 64 * 1024
    const flood: Engine = {
      ...scriptedEngine(),
      open: async (...told) => ({
        ...(await scriptedEngine().open(...told)),
        shell: async () => ({
          usable: true,
          async *run(): AsyncGenerator<Output, ExitStatus> {
            for (; given < 400; given++) yield { kind: 'bytes', bytes: randomBytes(size) } // nothing makes it shorter
            return exited(0)
          },
        }),
        [Symbol.asyncDispose]: async () => {},
      }),
    }
    await using server = await FakeServer.listen()
    await using runner = runnerOf(server, { engine: flood })
    await welcomed(server)
    server.silent = true
    const plan = planOf(['flood'])
    server.give(plan)
    await until(() => server.log(plan.run).length > 8 * 2 ** 20)
    const unheard = () => runner.link.carrying[0]!.unheard.reduce((sum, frame) => sum + frame.length, 0)
    await until(() => unheard() > 8 * 2 ** 20)
    expect(given).toBeLessThan(140)
    server.silent = false
    server.say({ say: 'heard', run: plan.run, seq: server.reports.get(plan.run)!.length })
    await until(() => server.end(plan.run))
    expect(server.log(plan.run).length).toBe(400 * size)
  })

  test('a wrong token is tried three times, then the runner gives up', async () => {
    await using server = await FakeServer.listen()
    await using runner = runnerOf(server, { token: 'x'.repeat(20) })
    await expect(runner.living).rejects.toThrow(Refused)
    expect(server.refusedTokens).toBe(3)
  })

  test('a refusal as the first word ends the runner at once, with the server’s sentence', async () => {
    await using server = await FakeServer.listen()
    server.refusal = 'This server speaks dialect 7.'
    await using runner = runnerOf(server)
    await expect(runner.living).rejects.toThrow('This server speaks dialect 7.')
    expect(server.connections).toBe(1)
  })

  test('flushing waits for the last word to be heard', async () => {
    await using server = await FakeServer.listen()
    await using runner = runnerOf(server)
    await welcomed(server)
    server.silent = true
    const plan = planOf(['say hi'])
    server.give(plan)
    await until(() => server.end(plan.run))
    runner.quit.abort()
    const flushed = runner.link.flush(new AbortController().signal)
    expect(
      await Promise.race([flushed.then(() => 'flushed'), until(() => server.said.at(-1)?.say === 'ready')]),
    ).toBe(true)
    server.say({ say: 'heard', run: plan.run, seq: server.reports.get(plan.run)!.length })
    await flushed
    expect(server.said.at(-1)).toEqual({ say: 'ready', slots: 0, taken: 1 })
  })

  test('a check is answered over the connection that asked for it, or by a word that none is carried out', async () => {
    await using server = await FakeServer.listen()
    const asked = { image: 'odd:1', source: { uri: 'x' }, version: null, timeoutMs: 1_000 }
    const order = { say: 'check' as const, check: 7 as CheckId, lease: 'lease-lease-lease', ...asked }
    const heard: unknown[] = []
    const checks = {
      check: async (question: unknown) => {
        heard.push(question)
        return { versions: [{ ref: 'one' }] }
      },
    }
    await using _runner = runnerOf(server, { checks })
    await welcomed(server)
    server.say(order)
    await until(() => server.said.at(-1)?.say === 'checked')
    expect(heard).toEqual([asked])
    expect(server.said.at(-1)).toEqual({
      ...{ say: 'checked', check: 7, lease: 'lease-lease-lease' },
      outcome: { versions: [{ ref: 'one' }] },
    })
    await using other = await FakeServer.listen()
    await using _without = runnerOf(other)
    await welcomed(other)
    other.say(order)
    await until(() => other.said.at(-1)?.say === 'checked')
    expect(other.said.at(-1)).toMatchObject({ outcome: { error: { code: 'checks_unsupported' } } })
  })
})
