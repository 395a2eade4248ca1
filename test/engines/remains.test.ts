import { setTimeout as delay } from 'node:timers/promises'
import Docker from 'dockerode'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Plan } from '#pipelines/wire/plan.ts'
import { watchDisk } from '../../runner/docker/disk.ts'
import { dockerEngine } from '../../runner/docker/engine.ts'
import { LABEL } from '../../runner/docker/labels.ts'
import { Remains } from '../../runner/docker/remains.ts'
import { Weights } from '../../runner/docker/weights.ts'
import { planOf } from '../runner/plans.ts'
import { until } from '../support/until.ts'
import { begin, collect, groundOf, log, open, runOnce } from './contract.ts'
import { type FlakyEngine, flakyEngine } from './flaky-engine.ts'
import { ensureTestImage, TEST_IMAGE, whyNoDocker } from './test-image.ts'

const reason = await whyNoDocker()
const docker = new Docker()
const soon = () => AbortSignal.timeout(30_000)
const idle = () => new AbortController().signal
const limits = { cpus: 1, memoryBytes: 2 ** 28, pids: 100 }
const plan = (commands: string[], changes: Partial<Plan> = {}) =>
  planOf(commands, { image: TEST_IMAGE, limits, ...changes })
const service = (name: string, commands: string[]): Plan['services'][number] => ({
  ...{ step: 5, name, image: TEST_IMAGE, env: {}, dependsOn: [], commands },
  health: { probe: { kind: 'tcp', port: 7000 }, intervalMs: 100, timeoutMs: 20_000 },
})
const SERVES = 'while :; do echo here | nc -l -p 7000; done'

const title = `an engine that has its moods${reason ? ` (skipped: ${reason})` : ''}`
describe.skipIf(reason)(title, { timeout: 90_000 }, () => {
  let ground: Awaited<ReturnType<typeof groundOf>>
  let flaky: FlakyEngine
  let engine: Awaited<ReturnType<typeof dockerEngine>>

  beforeAll(async () => {
    await ensureTestImage()
    ground = await groundOf('moods')
    flaky = await flakyEngine()
    process.env['DOCKER_HOST'] = flaky.host
    engine = await dockerEngine(ground, soon())
    delete process.env['DOCKER_HOST']
  })
  afterAll(async () => {
    await engine.close()
    expect(await left()).toEqual([])
    await flaky[Symbol.asyncDispose]()
    await ground[Symbol.asyncDispose]()
  })

  /** Everything of this test that the engine still has. */
  async function left(): Promise<string[]> {
    const filters = { label: [`${LABEL.runner}=${ground.identity}`] }
    const containers = await docker.listContainers({ all: true, filters })
    const { Volumes } = await docker.listVolumes({ filters })
    const networks = await docker.listNetworks({ filters })
    return [
      ...containers.map(({ Names }) => `container ${Names.join()}`),
      ...Volumes.map(({ Name }) => `volume ${Name}`),
      ...networks.map(({ Name }) => `network ${Name}`),
    ]
  }
  const nothingLeft = () =>
    until(async () => engine.house.remains.waiting === 0 && (await left()).length === 0, { withinMs: 60_000 })
  const shellContainer = async () => {
    const filters = { label: [`${LABEL.runner}=${ground.identity}`, LABEL.run] }
    const [found] = await docker.listContainers({ all: true, filters })
    return docker.getContainer(found!.Id)
  }

  test('that refuses to remove is asked again until it has', async () => {
    const workspace = await open(engine, plan([], { services: [service('db', [SERVES])] }))
    {
      using _refused = flaky.refuse(/^DELETE /)
      await workspace[Symbol.asyncDispose]()
      expect((await left()).length).toBeGreaterThan(4)
    }
    await nothingLeft()
  })

  test('that was away when a run ended removes what is left of it as soon as it answers again', async () => {
    const workspace = await open(engine, plan([]))
    flaky.shut()
    await workspace[Symbol.asyncDispose]()
    await expect(engine.check!(soon())).rejects.toMatchObject({ code: 'engine_unavailable' })
    expect((await left()).length).toBe(3)
    flaky.open()
    await engine.check!(soon())
    await until(() => engine.house.remains.waiting === 0, { withinMs: 3_000 })
    expect(await left()).toEqual([])
  })

  test('that goes away while it makes a container leaves none', async () => {
    flaky.on(/^POST .*containers\/create\?name=takt-holder/, () => delay(50).then(() => flaky.shut()))
    await expect(open(engine, plan([]))).rejects.toMatchObject({ code: 'engine_unavailable' })
    flaky.open()
    flaky.forget()
    await nothingLeft()
  })

  test('that is away for good makes nobody keep more than a thousand names', async () => {
    const away = new Docker({ socketPath: '/nowhere/docker.sock' })
    await using remains = new Remains({ docker: away, log, pauseMs: 60_000 })
    for (let count = 0; count < 1_010; count++) await remains.volume(`takt-nothing-${count}`)
    expect(remains.waiting).toBe(1_000)
  })

  test('that cannot remove one leftover of an earlier life removes the others, and says which are which', async () => {
    const abandoned = await open(engine, plan([]))
    const [volume = ''] = (await left()).filter((name) => name.startsWith('volume'))
    const name = volume.replace('volume ', '')
    const lines: { msg: string; volume?: string }[] = []
    const logged = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) })
    process.env['DOCKER_HOST'] = flaky.host
    const next = await dockerEngine({ ...ground, log: logged }, soon())
    delete process.env['DOCKER_HOST']
    {
      using _refused = flaky.refuse(new RegExp(`^DELETE \\S*/volumes/${name}`))
      await next.sweep(new Set())
    }
    expect(await left()).toEqual([volume])
    expect(lines.filter(({ msg }) => msg === 'orphan.left')).toMatchObject([
      { volume: name, reason: 'not today' },
    ])
    expect(lines.filter(({ msg }) => msg === 'orphan.removed')).toHaveLength(2)
    await next.sweep(new Set())
    await next.close()
    await abandoned[Symbol.asyncDispose]()
    expect(await left()).toEqual([])
  })

  test('that goes away while a service starts breaks that run only', async () => {
    // Its stream is there, and breaks together with the question to start it.
    let db = ''
    flaky.on(/^POST \S*\/attach/, async () => {
      const made = await docker.listContainers({ all: true, filters: { name: ['-db$'] } })
      db ||= made.find(({ Labels }) => Labels[LABEL.runner] === ground.identity)?.Id ?? ''
    })
    flaky.on(/^POST \S*\/start/, () => {
      if (db !== '' && flaky.asked.at(-1)?.includes(db)) flaky.shut()
    })
    await expect(open(engine, plan([], { services: [service('db', [SERVES])] }))).rejects.toMatchObject({
      code: expect.stringMatching(/^(engine_unavailable|service_unhealthy)$/),
    })
    flaky.open()
    flaky.forget()
    await nothingLeft()
    expect((await runOnce(engine, plan(['echo on']))).text).toBe('on\n')
  })

  test('that makes a service slowly leaves none of it when the job’s image cannot be had meanwhile', async () => {
    const made = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    flaky.on(/^POST \S*images\/create/, () => asked.promise)
    flaky.on(/^POST .*containers\/create\?name=\S*-db/, () => {
      asked.resolve()
      return delay(1_500).then(made.resolve)
    })
    const broken = plan([], { image: '127.0.0.1:1/nobody/nothing:1', services: [service('db', [SERVES])] })
    await expect(open(engine, broken)).rejects.toMatchObject({ code: 'image_pull_failed' })
    flaky.forget()
    await made.promise
    await nothingLeft() // for good, as is seen when all is over
  })

  test('that does not tell of a service’s container leaves none of it', async () => {
    const opening = plan([], { services: [service('db', [SERVES])] })
    flaky.on(/^POST .*containers\/create\?name=\S*-db/, () => {
      flaky.refuse(/^GET \S*\/containers\/[0-9a-f]{64}\/json/)
    })
    await expect(open(engine, opening)).rejects.toMatchObject({
      message: expect.stringContaining('not today'),
    })
    flaky.forget()
    await nothingLeft()
  })

  test('whose stream breaks while a step is in the container ends that container before the hooks begin', async () => {
    await using workspace = await open(engine, plan([]))
    const step = collect(
      begin(workspace, ['echo up; while :; do date +%s%N > alive; sleep 0.1; done']),
      (text) => {
        if (text.includes('up')) flaky.cut(/attach/)
      },
    )
    await expect(step).rejects.toMatchObject({ code: 'engine_unavailable' })
    const first = await shellContainer()
    const hook = await workspace.shell(null, idle())
    const look = ['a=$(cat alive); sleep 1; [ "$a" = "$(cat alive)" ] && echo quiet']
    expect((await collect(hook.run({ commands: look, env: {} }, idle()))).text).toBe('quiet\n')
    expect((await first.inspect()).State.Running).toBe(false)
  })

  test('that cannot weigh at this moment is asked again, and all runs share one answer', async () => {
    const weights = new Weights(flaky.docker)
    const asked = () => flaky.asked.filter((line) => line.includes('/system/df')).length
    {
      using _refused = flaky.refuse(/\/system\/df/)
      await expect(weights.get()).rejects.toMatchObject({ statusCode: 500 })
    }
    const before = asked()
    await Promise.all([weights.get(), weights.get(), weights.get()])
    expect(asked()).toBe(before + 1)
  })

  test('a run whose weighing failed once has its limit all the same', async () => {
    const told: unknown[] = []
    const full = Promise.withResolvers<number>()
    let asked = 0
    const weights = {
      get: async () => {
        if (++asked < 3) throw new Error('a disk usage operation is already running')
        return { Volumes: [{ Name: 'v', UsageData: { Size: 200 } }] }
      },
    }
    using _watch = watchDisk({
      weights,
      limitBytes: 100,
      written: () => ({ folders: [], containers: [], volumes: ['v'] }),
      full: full.resolve,
      failed: (error) => told.push(error),
      everyMs: { near: 10, far: 10 },
    })
    expect(await full.promise).toBe(200)
    expect(told).toHaveLength(1)
  })
})
