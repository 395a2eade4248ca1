import Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RanImage } from '#pipelines/wire/images.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import { dockerEngine } from '../../runner/docker/engine.ts'
import { planOf } from '../runner/plans.ts'
import { groundOf } from './contract.ts'
import { serveRegistry, whyNoRegistry, type Registry } from './registry.ts'
import { derivedImage } from './derived-image.ts'
import { ensureTestImage, TEST_IMAGE, whyNoDocker } from './test-image.ts'

const reason = (await whyNoDocker()) ?? (await whyNoRegistry())
const docker = new Docker()
const idOf = async (image: string) => (await docker.getImage(image).inspect()).Id
const limits = { cpus: 1, memoryBytes: 2 ** 28, pids: 100 }

describe.skipIf(reason)(`of the images of a run${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let ground: Awaited<ReturnType<typeof groundOf>>
  let engine: Awaited<ReturnType<typeof dockerEngine>>
  let registry: Registry
  /** Containers of images that wait for a next run go with the engine; the images after them. */
  const made = new AsyncDisposableStack()
  beforeAll(async () => {
    await ensureTestImage()
    ground = await groundOf('ran')
    engine = await dockerEngine({ ...ground, docker: { warm: 1 } }, AbortSignal.timeout(30_000))
    registry = await serveRegistry({ closed: false })
  })
  afterAll(async () => {
    await engine.close()
    await made.disposeAsync()
    await ground[Symbol.asyncDispose]()
    await registry[Symbol.asyncDispose]()
  })

  /** Puts an image where only the registry has it. @returns The digest by which the registry knows it. */
  async function published(image: string, name: string): Promise<string> {
    const [repo, tag] = [name.slice(0, name.lastIndexOf(':')), name.slice(name.lastIndexOf(':') + 1)]
    await docker.getImage(image).tag({ repo, tag })
    const pushed = await docker.getImage(name).push({ authconfig: { serveraddress: registry.host } })
    await new Promise((resolve, reject) =>
      docker.modem.followProgress(pushed, (error) => (error ? reject(error) : resolve(null))),
    )
    await docker.getImage(name).remove()
    return (await registry.inspect(name)).Digest
  }

  async function ranIn(plan: Plan, step: string | null = null): Promise<RanImage[]> {
    const heard: RanImage[] = []
    const signal = AbortSignal.timeout(30_000)
    const told = { signal, say: async () => {}, ran: (image: RanImage) => heard.push(image) }
    await using workspace = await engine.open(plan, told)
    if (step !== null) await workspace.shell(step, signal)
    return heard
  }

  test('the engine tells the registry’s digest of what it pulled, and the id of what it has', async () => {
    const name = `${registry.host}/tools/base:1`
    const digest = await published(TEST_IMAGE, name)
    const ran = await ranIn(planOf([], { image: name, limits }))
    const reference = `${registry.host}/tools/base@${digest}`
    expect(ran).toMatchObject([{ image: name, id: await idOf(name) }])
    expect(ran[0]!.digests).toContain(reference)
    made.defer(() => docker.getImage(name).remove())
  })

  test('a step’s own image and a service are told, too', async () => {
    const other = `takt-test/ran:${process.pid}`
    made.use(await derivedImage({ name: other, changes: 'ENV OTHER=1' }))
    const web = {
      ...{ step: 9, name: 'web', image: other, env: {}, dependsOn: [] },
      commands: ['while :; do echo here | nc -l -p 7000; done'],
      health: { probe: { kind: 'tcp' as const, port: 7000 }, intervalMs: 100, timeoutMs: 10_000 },
    }
    const ran = await ranIn(planOf([], { image: TEST_IMAGE, limits, services: [web] }), other)
    const said = ran.map(({ image, id }) => `${image} ${id}`).toSorted()
    const [mine, others] = [`${TEST_IMAGE} ${await idOf(TEST_IMAGE)}`, `${other} ${await idOf(other)}`]
    expect(said).toEqual([mine, others, others].toSorted())
  })

  test('a name that was given to another image stands for what ran, not for what it was', async () => {
    const name = `takt-test/moved:${process.pid}`
    const [repo, tag] = name.split(':') as [string, string]
    await docker.getImage(TEST_IMAGE).tag({ repo, tag })
    const before = await ranIn(planOf([], { image: name, limits }))
    const other = `takt-test/ran-later:${process.pid}`
    made.use(await derivedImage({ name: other, changes: 'ENV LATER=1' }))
    await docker.getImage(other).tag({ repo, tag })
    const after = await ranIn(planOf([], { image: name, limits }))
    expect(before).toMatchObject([{ image: name, id: await idOf(TEST_IMAGE) }])
    expect(after).toMatchObject([{ image: name, id: await idOf(other) }])
    made.defer(() => docker.getImage(name).remove())
  })
})
