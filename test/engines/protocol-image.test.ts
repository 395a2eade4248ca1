import Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EngineError, StepFailed } from '../../runner/engine.ts'
import { prefixOf, putImage, sweepImages } from '../../runner/resources/image/put.ts'
import type { ImagePut } from '../../runner/resources/image/put.ts'
import type { Machine } from '../../runner/resources/program.ts'
import { dockerfile, imagePut } from './image-puts.ts'
import { machineOf } from './machine.ts'
import { placeOf } from './place.ts'
import { serveRegistry, whyNoRegistry } from './registry.ts'
import type { Registry } from './registry.ts'
import { ensureTestImage, TEST_IMAGE, whyNoDocker } from './test-image.ts'

const reason = (await whyNoDocker()) ?? (await whyNoRegistry())
const docker = new Docker()
const images = async (host: string) =>
  (await docker.listImages())
    .flatMap(({ RepoTags }) => RepoTags ?? [])
    .filter((name) => name.startsWith(host))

describe.skipIf(reason)(`a put of an image${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let machine: Machine
  let open: Registry
  let closed: Registry
  beforeAll(async () => {
    await ensureTestImage()
    machine = await machineOf(`image-${process.pid}-${Date.now()}`)
    ;[open, closed] = await Promise.all([serveRegistry({ closed: false }), serveRegistry({ closed: true })])
  })
  afterAll(async () => {
    await open[Symbol.asyncDispose]()
    await closed[Symbol.asyncDispose]()
  })

  const put = (changes: Partial<ImagePut> = {}) => imagePut(open.host, changes)

  test('builds, pushes, and its version is the digest that another program finds there', async () => {
    await using place = await placeOf()
    await place.put(
      'work/Dockerfile',
      dockerfile('COPY app /app', 'RUN echo built by $(cat /app) >&2', 'ENV MADE=yes'),
    )
    await place.put('work/app', `me-${process.pid}`)
    const asked = put()
    const made = await putImage(machine, asked, place.at)
    const found = await open.inspect(`${asked.repository}:one`)
    expect(found.Digest).toBe(made.digest)
    expect(found.Env).toContain('MADE=yes')
    expect(await open.filesOf(`${asked.repository}:one`)).toContain('app')
    expect(place.heard()).toContain(`built by me-${process.pid}\n`)
    expect(place.heard()).toContain(`Pushing ${asked.repository}:one\n`)
  })

  test('gives all its tags to one digest, and leaves no name behind at the engine', async () => {
    await using place = await placeOf()
    await place.put('work/Dockerfile', dockerfile(`ENV N=${Math.random()}`))
    const asked = put({ tags: ['v1.2', 'latest', 'abc123'] })
    const { digest } = await putImage(machine, asked, place.at)
    for (const tag of asked.tags)
      expect((await open.inspect(`${asked.repository}:${tag}`)).Digest).toBe(digest)
    expect(await images(open.host)).toEqual([])
  })

  test('without a tag is pushed as latest', async () => {
    await using place = await placeOf()
    await place.put('work/Dockerfile', dockerfile())
    const asked = put({ tags: [] })
    const { digest, tags } = await putImage(machine, asked, place.at)
    expect(tags).toEqual(['latest'])
    expect((await open.inspect(`${asked.repository}:latest`)).Digest).toBe(digest)
  })

  test('takes an image that the engine has, and lets it be', async () => {
    await using place = await placeOf()
    const asked = put({ build: null, image: TEST_IMAGE })
    const { digest } = await putImage(machine, asked, place.at)
    expect((await open.inspect(`${asked.repository}:one`)).Digest).toBe(digest)
    expect((await docker.getImage(TEST_IMAGE).inspect()).RepoTags).toContain(TEST_IMAGE)
  })

  test('of an image that the engine has not fails, and says so', async () => {
    await using place = await placeOf()
    const failing = putImage(machine, put({ build: null, image: 'no/such:1' }), place.at)
    await expect(failing).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringContaining('`no/such:1`'),
    })
  })

  test('opens a closed registry with its login, for the base image too', async () => {
    await using place = await placeOf()
    const base = put({
      repository: `${closed.host}/acme/base`,
      credential: closed.login,
      build: null,
      image: TEST_IMAGE,
    })
    await putImage(machine, base, place.at)
    await place.put('work/Dockerfile', `FROM ${closed.host}/acme/base:one\nENV ON_TOP=yes\n`)
    const asked = put({ repository: `${closed.host}/acme/top`, credential: closed.login })
    const { digest } = await putImage(machine, asked, place.at)
    expect(await closed.inspect(`${asked.repository}:one`)).toMatchObject({
      Digest: digest,
      Env: expect.arrayContaining(['ON_TOP=yes']),
    })
    expect(place.heard()).not.toContain(closed.login?.password)
  })

  test('shows its login to no other registry than its own', async () => {
    await using place = await placeOf()
    const base = put({
      repository: `${closed.host}/acme/secret`,
      credential: closed.login,
      build: null,
      image: TEST_IMAGE,
    })
    await putImage(machine, base, place.at)
    await place.put('work/Dockerfile', `FROM ${closed.host}/acme/secret:one\n`)
    const failing = putImage(machine, put({ credential: closed.login }), place.at)
    await expect(failing).rejects.toThrow(StepFailed)
    await expect(failing).rejects.toThrow(/authoriz/)
  })

  test.each([
    ['no login', null],
    ['a wrong one', { username: 'takt', password: 'wrong' }],
  ])('into a closed registry with %s fails', async (_, credential) => {
    await using place = await placeOf()
    const failing = putImage(
      machine,
      put({ repository: `${closed.host}/acme/shop`, credential, build: null, image: TEST_IMAGE }),
      place.at,
    )
    await expect(failing).rejects.toThrow(StepFailed)
    await expect(failing).rejects.toThrow(/See to the resource's `login`/)
    expect(await images(closed.host)).toEqual([])
  })

  test('into a registry that does not answer breaks the step', async () => {
    await using place = await placeOf()
    const failing = putImage(
      machine,
      put({ repository: '127.0.0.1:1/a/b', build: null, image: TEST_IMAGE }),
      place.at,
    )
    await expect(failing).rejects.toThrow(EngineError)
    await expect(failing).rejects.toMatchObject({ code: 'push_failed' })
  })

  test('with a tag that is none is refused in words', async () => {
    await using place = await placeOf()
    const failing = putImage(machine, put({ build: null, image: TEST_IMAGE, tags: ['feature/x'] }), place.at)
    await expect(failing).rejects.toThrow(/`feature\/x` is no tag/)
  })

  test('leaves nothing at the engine that a later life does not find', async () => {
    const left = async () => {
      const all = (await docker.listImages()).flatMap(({ RepoTags }) => RepoTags ?? [])
      return all.filter((name) => name.startsWith(prefixOf(machine.maker.runner)))
    }
    await using place = await placeOf()
    await place.put('work/Dockerfile', dockerfile(`ENV LEFT=${Math.random()}`))
    const before = await left()
    await putImage(machine, put(), place.at)
    expect(await left()).toEqual(before)
    // As a runner leaves it that is killed between the build and its end.
    const dying = { ...machine, docker: new Docker() }
    dying.docker.getImage = (name: string) => {
      const image = docker.getImage(name)
      if (name.startsWith('takt-build:')) image.remove = async () => {}
      return image
    }
    await putImage(dying, put(), place.at)
    expect((await left()).length).toBe(before.length + 1)
    await sweepImages({ ...machine, maker: { runner: 'somebody-else', life: 'this' } })
    expect((await left()).length).toBe(before.length + 1)
    await sweepImages(machine)
    expect(await left()).toEqual(before)
  })
})
