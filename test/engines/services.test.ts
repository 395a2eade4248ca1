import Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Plan } from '#pipelines/wire/plan.ts'
import type { StepEnd } from '../../runner/engine.ts'
import { Calm } from '../../runner/docker/calm.ts'
import { ensureHolderImage } from '../../runner/docker/holder-image.ts'
import { Holders } from '../../runner/docker/holders.ts'
import { Images } from '../../runner/docker/images.ts'
import { LABEL } from '../../runner/docker/labels.ts'
import { makeNetwork } from '../../runner/docker/networks.ts'
import { Remains } from '../../runner/docker/remains.ts'
import { Services } from '../../runner/docker/services.ts'
import { Turnstile } from '../../runner/turnstile.ts'
import { planOf } from '../runner/plans.ts'
import { until } from '../support/until.ts'
import { log } from './contract.ts'
import { ensureTestImage, TEST_IMAGE, whyNoDocker } from './test-image.ts'

type Service = Plan['services'][number]
const reason = await whyNoDocker()
const docker = new Docker()
const identity = `services-${process.pid}-${Date.now()}`
const maker = { runner: identity, life: 'this' }
const remains = new Remains({ docker, log })
const SERVES = 'while :; do echo here | nc -l -p 7000; done'
const WEB = 'mkdir -p /tmp/www; echo ok >/tmp/www/ready; sleep 0.3; busybox httpd -f -p 8000 -h /tmp/www'

const service = (name: string, commands: string[], changes: Partial<Service> = {}): Service => ({
  step: 10 + name.charCodeAt(0),
  name,
  image: TEST_IMAGE,
  env: {},
  commands,
  health: null,
  dependsOn: [],
  ...changes,
})
const health = (probe: NonNullable<Service['health']>['probe'], timeoutMs = 10_000) => ({
  probe,
  intervalMs: 100,
  timeoutMs,
})

describe.skipIf(reason)(`the services of a run${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let holders: Holders
  const images = new Images(docker)
  beforeAll(async () => {
    await ensureTestImage()
    const say = async () => {}
    const image = await ensureHolderImage({ docker, images }, { signal: AbortSignal.timeout(30_000), say })
    const allowed = { all: false, ranges: [] }
    const starts = new Turnstile(2)
    const warm = { size: 0, idleMs: 1 }
    holders = new Holders({
      docker,
      maker,
      calm: new Calm(),
      log,
      image,
      images,
      remains,
      starts,
      runtime: null,
      allowed,
      warm,
    })
  })
  afterAll(async () => expect(await left()).toEqual([]))

  async function left(): Promise<string[]> {
    const filters = { label: [`${LABEL.runner}=${identity}`] }
    const containers = await docker.listContainers({ all: true, filters })
    const networks = await docker.listNetworks({ filters })
    return [...containers.map(({ Names }) => Names.join()), ...networks.map(({ Name }) => Name)]
  }

  async function place(services: Service[]) {
    const said: string[] = []
    const ends = new Map<number, StepEnd>()
    const started: number[] = []
    const heard = new Map<number, string>()
    const network = await makeNetwork({
      docker,
      maker,
      calm: new Calm(),
      log,
      remains,
      warm: { size: 0, idleMs: 1 },
      made: async () => {},
    })
    const plan = planOf([], { services })
    const running = new Services({
      docker,
      images,
      holders,
      starts: new Turnstile(2),
      log,
      remains,
      maker,
      runtime: null,
      limits: { cpus: 1, memoryBytes: 2 ** 28, pids: 100 },
      trusted: [],
      network,
      plan,
      name: `takt-${plan.run}-1-test`,
    })
    const options = (signal = new AbortController().signal) => ({
      signal,
      say: async (text: string) => void said.push(text),
      serviceStarted: (step: number) => void started.push(step),
      heard: async (step: number, bytes: Uint8Array) =>
        void heard.set(step, (heard.get(step) ?? '') + Buffer.from(bytes).toString()),
      serviceEnded: (step: number, end: StepEnd) => void ends.set(step, end),
    })
    const dispose = () => running[Symbol.asyncDispose]()
    return { running, options, said, ends, started, heard, network, [Symbol.asyncDispose]: dispose }
  }

  test('are ready before the first step, each under its name, in the order of what they depend on', async () => {
    const db = service('db', ['sleep 0.5', SERVES], { health: health({ kind: 'tcp', port: 7000 }) })
    const api = service('api', ['nc -w 5 db 7000 </dev/null', 'echo api up', WEB], {
      health: health({ kind: 'http', port: 8000, path: '/ready' }),
      dependsOn: ['db'],
    })
    await using at = await place([api, db])
    await at.running.start(at.options())
    expect(at.started).toEqual([db.step, api.step])
    expect(at.heard.get(api.step)).toContain('here\napi up\n')
    await using job = await holders.on(at.network.name, null, AbortSignal.timeout(10_000))
    const request = 'printf "GET /ready HTTP/1.0\\r\\n\\r\\n" | nc -w 5 api 8000'
    const exec = await job.container.exec({ Cmd: ['/bin/sh', '-c', request], AttachStdout: true })
    let page = ''
    for await (const chunk of await exec.start({})) page += String(chunk)
    expect(page).toContain('ok')
  })

  test('that listen to themselves only are not ready', async () => {
    const own = service('own', ['busybox httpd -f -p 127.0.0.1:7000'], {
      health: health({ kind: 'tcp', port: 7000 }, 1_500),
    })
    await using at = await place([own])
    await expect(at.running.start(at.options())).rejects.toMatchObject({
      code: 'service_unhealthy',
      message: expect.stringContaining('own of takt-test/busybox:1 was not ready within 1.5 s'),
    })
  })

  test('are asked by a command of their own', async () => {
    const slow = service('slow', ['sleep 1; touch /tmp/ready; sleep 300'], {
      health: health({ kind: 'run', command: 'test -e /tmp/ready' }),
    })
    await using at = await place([slow])
    await at.running.start(at.options())
    const exec = at.said.find((text) => text.includes('is ready after'))
    expect(Number(/after (\d+) ms/.exec(exec ?? '')?.[1])).toBeGreaterThan(900)
  })

  test.each([
    ['a command', { kind: 'run', command: 'echo not healthy yet; false' }, 'not healthy yet'],
    ['a page', { kind: 'http', port: 8000, path: '/none' }, 'HTTP/1.1 404 Not Found'],
  ] as const)(
    'that %s never finds ready have failed, and it is told what was found',
    async (_, probe, found) => {
      const sick = service('sick', [WEB], { health: health(probe, 3_000) })
      await using at = await place([sick])
      await expect(at.running.start(at.options())).rejects.toMatchObject({
        code: 'service_unhealthy',
        message: expect.stringContaining(`; it said last: ${found}). It said nothing.`),
      })
      expect(at.ends.get(sick.step)).toEqual({ state: 'failed', exitCode: null })
    },
  )

  test('are ready when their command says so, whatever it leaves behind', async () => {
    const left = service('left', ['sleep 300'], { health: health({ kind: 'run', command: 'sleep 300 &' }) })
    await using at = await place([left])
    await at.running.start(at.options())
    expect(at.said.some((text) => text.includes('is ready after'))).toBe(true)
  })

  test('of which nothing is known are ready when they run', async () => {
    await using at = await place([service('plain', ['echo up; sleep 300'])])
    await at.running.start(at.options())
    await until(() => at.heard.size === 1)
  })

  test('that end before they are ready break the run, with their last words', async () => {
    const broken = service('broken', ['echo no such table >&2; exit 3'], {
      health: health({ kind: 'tcp', port: 7000 }),
    })
    await using at = await place([broken, service('fine', ['sleep 300'])])
    await expect(at.running.start(at.options())).rejects.toMatchObject({
      code: 'service_unhealthy',
      message:
        'The service broken of takt-test/busybox:1 ended with exit code 3 before it was ready. Its last words:\nno such table',
    })
    expect(at.ends.get(broken.step)).toEqual({ state: 'failed', exitCode: 3 })
  })

  test('that end later are told, and the run goes on', async () => {
    const short = service('short', ['echo up; sleep 0.5; echo bye; exit 4'])
    await using at = await place([short])
    await at.running.start(at.options())
    await until(() => at.ends.get(short.step))
    expect(at.ends.get(short.step)).toEqual({ state: 'failed', exitCode: 4 })
    expect(at.heard.get(short.step)).toBe('up\nbye\n')
  })

  test('leave nothing, and no word of an end, when the run is over or was stopped meanwhile', async () => {
    const stop = new AbortController()
    const never = service('never', ['echo up; sleep 300'], { health: health({ kind: 'tcp', port: 1 }) })
    const at = await place([never])
    const starting = at.running.start(at.options(stop.signal))
    starting.catch(() => {})
    await until(() => at.heard.size === 1)
    stop.abort(new Error('enough'))
    await expect(starting).rejects.toThrow('enough')
    await at.running[Symbol.asyncDispose]()
    expect(at.ends.size).toBe(0)
    expect(await left()).toEqual([])
  })

  test('of an image that cannot be had break the run with the engine’s words', async () => {
    await using at = await place([service('x', [], { image: '127.0.0.1:1/nobody/nothing:1' })])
    await expect(at.running.start(at.options())).rejects.toMatchObject({ code: 'image_pull_failed' })
  })
})
