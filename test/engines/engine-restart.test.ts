import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Plan } from '#pipelines/wire/plan.ts'
import { dockerEngine } from '../../runner/docker/engine.ts'
import { LABEL } from '../../runner/docker/labels.ts'
import { ensureNetwork } from '../../runner/docker/network.ts'
import { performed } from '../runner/performed.ts'
import { hooksOf, planOf, runStep } from '../runner/plans.ts'
import { until } from '../support/until.ts'
import { groundOf } from './contract.ts'
import { type PrivateEngine, privateEngine, type PrivateFacts, whyNoPrivateEngine } from './private-engine.ts'
import { TEST_IMAGE } from './test-image.ts'

const reason = await whyNoPrivateEngine()
const limits = { cpus: 1, memoryBytes: 2 ** 28, pids: 100 }
const plan = (commands: string[], changes: Partial<Plan> = {}) =>
  planOf(commands, { image: TEST_IMAGE, limits, ...changes })
const db: Plan['services'][number] = {
  ...{ step: 5, name: 'db', image: TEST_IMAGE, env: {}, dependsOn: [] },
  commands: ['while :; do echo here | nc -l -p 7000; done'],
  health: { probe: { kind: 'tcp', port: 7000 }, intervalMs: 100, timeoutMs: 20_000 },
}
const USES_DB = 'nc -w 5 db 7000 </dev/null'

/** An engine of our own, and Takt's engine on it. */
async function place(
  facts: PrivateFacts = {},
  docker: NonNullable<Parameters<typeof dockerEngine>[0]['docker']> = {},
) {
  const ground = await groundOf('restart')
  const own = await privateEngine(facts)
  process.env['DOCKER_HOST'] = own.host
  const engine = await dockerEngine({ ...ground, docker }, AbortSignal.timeout(60_000))
  delete process.env['DOCKER_HOST']
  const dispose = async () => {
    await engine.close()
    await own[Symbol.asyncDispose]()
    await ground[Symbol.asyncDispose]()
  }
  return { own, engine, left: () => leftIn(own), [Symbol.asyncDispose]: dispose }
}

/** Everything at the engine that is a run's. */
async function leftIn({ docker }: PrivateEngine): Promise<string[]> {
  const filters = { label: [LABEL.runner] }
  const containers = await docker.listContainers({ all: true, filters })
  const { Volumes } = await docker.listVolumes({})
  const networks = await docker.listNetworks({ filters })
  return [
    ...containers.map(({ Names, State }) => `container ${Names.join()} ${State}`),
    ...(Volumes ?? []).map(({ Name }) => `volume ${Name}`),
    ...networks.map(({ Name }) => `network ${Name}`),
  ]
}

describe.skipIf(reason)(`an engine that is restarted${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let at: Awaited<ReturnType<typeof place>>
  beforeAll(async () => {
    at = await place()
  }, 120_000)
  afterAll(() => at?.[Symbol.asyncDispose](), 120_000)

  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'by %s under a run breaks that run with a reason, leaves nothing, and carries out its hooks and the next run',
    async (signal) => {
      const { own, engine, left } = at
      const always = hooksOf({ always: [runStep(9, ['cat mark', 'echo tidy'])] })
      const broken = plan(['echo one > mark; echo up; sleep 300'], { hooks: always, services: [db] })
      let restarted: Promise<void> | null = null
      const restart = async () => {
        await own.stop(signal)
        await own.start()
      }
      const ran = await performed(broken, {
        engine,
        hear: (_work, entry) => {
          if (entry.kind === 'log' && entry.text.includes('up')) restarted ??= restart()
        },
      })
      await restarted
      expect(ran.end).toMatchObject({
        move: 'break',
        error: {
          code: expect.stringMatching(/^(engine_unavailable|shell_killed)$/),
          message: expect.stringMatching(/^(Docker lost the container|The container was ended)/),
        },
      })
      expect(ran.states).toMatchObject({ 1: 'errored', 9: 'succeeded' })
      expect(ran.log(9)).toBe('one\ntidy\n')
      await until(async () => (await left()).length === 0)
      const next = await performed(plan([USES_DB, 'echo on'], { services: [db] }), { engine })
      expect(next.end).toMatchObject({ move: 'succeed' })
      expect(next.log(1)).toContain('here\non\n')
      await until(async () => (await left()).length === 0)
    },
    120_000,
  )
})

describe.skipIf(reason)(
  `an engine that is tidied up${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: 120_000 },
  () => {
    test.each([
      ['with something made ahead', 1],
      ['with nothing made ahead: our image and all networks are gone', 0],
    ])('by a prune of everything %s goes on with the next run', async (_what, warm) => {
      await using at = await place({}, { warm })
      const { engine, own } = at
      const before = await performed(plan([USES_DB], { services: [db] }), { engine })
      expect(before.end).toMatchObject({ move: 'succeed' })
      await until(() => engine.house.networks.ready === warm)
      await own.prune()
      await own.load()
      const after = await performed(plan([USES_DB, 'echo on'], { services: [db] }), { engine })
      expect(after.end).toMatchObject({ move: 'succeed', error: null })
      const alone = await performed(plan(['echo on']), { engine })
      expect(alone.end).toMatchObject({ move: 'succeed', error: null })
    })

    test('by hand, while several runners begin, has one network for all runs', async () => {
      await using at = await place()
      const { docker } = at.own
      const named = () => docker.listNetworks({ filters: { name: ['^takt$'] } })
      for (const { Id } of await named()) await docker.getNetwork(Id).remove()
      const soon = AbortSignal.timeout(30_000)
      await Promise.all([1, 2, 3, 4].map(() => ensureNetwork(docker, soon)))
      expect(await named()).toHaveLength(1)
    })

    test('on another machine: a run’s own network is no way to that machine, however new it is', async () => {
      await using at = await place()
      const { engine } = at
      const looks =
        "ip route | sed -n 's/^unreachable //p'; ip route | sed -n 's/.* src \\([0-9]*\\.[0-9]*\\)\\..*/net \\1/p'"
      await performed(plan(['true']), { engine }) // now its addresses are known, for a while
      const ran = await performed(plan([looks], { services: [db] }), { engine })
      const [, net = ''] = /^net (\d+\.\d+)$/m.exec(ran.log(1)) ?? []
      expect(net).not.toBe('')
      expect(ran.log(1)).toMatch(new RegExp(`^${net.replace('.', '\\.')}\\.0\\.1`, 'm'))
    })
  },
)

describe.skipIf(reason)(
  `an engine whose disk is full${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: 120_000 },
  () => {
    test('breaks the run that finds it so, with the reason, and serves the next one', async () => {
      await using at = await place({ disk: '120m' })
      const { engine, left } = at
      const ran = await performed(plan(['dd if=/dev/zero of=big bs=1M count=500']), { engine })
      expect(ran.end).toMatchObject({
        move: 'break',
        error: { code: 'disk_full', message: expect.stringContaining('disk') },
      })
      await until(async () => (await left()).length === 0)
      const next = await performed(plan(['echo on']), { engine })
      expect(next.end).toMatchObject({ move: 'succeed' })
      await until(async () => (await left()).length === 0)
    })
  },
)
