import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { StepFailed } from '../../runner/engine.ts'
import { putImage } from '../../runner/resources/image/put.ts'
import type { ImagePut } from '../../runner/resources/image/put.ts'
import type { Machine } from '../../runner/resources/program.ts'
import { Stop } from '../../runner/stop.ts'
import { until } from '../support/until.ts'
import { BUILD, dockerfile, imagePut } from './image-puts.ts'
import { machineOf } from './machine.ts'
import { placeOf } from './place.ts'
import { serveRegistry, whyNoRegistry } from './registry.ts'
import type { Registry } from './registry.ts'
import { ensureTestImage, TEST_IMAGE, whyNoDocker } from './test-image.ts'

const reason = (await whyNoDocker()) ?? (await whyNoRegistry())

describe.skipIf(reason)(`a build of an image${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let machine: Machine
  let registry: Registry
  beforeAll(async () => {
    await ensureTestImage()
    machine = await machineOf(`build-${process.pid}-${Date.now()}`)
    registry = await serveRegistry({ closed: false })
  })
  afterAll(() => registry[Symbol.asyncDispose]())

  const put = (changes: Partial<ImagePut> = {}) => imagePut(registry.host, changes)

  test('fails with the Dockerfile’s own exit code, its output in the log', async () => {
    await using place = await placeOf()
    await place.put('work/Dockerfile', dockerfile('RUN echo before the end; exit 42'))
    const failing = putImage(machine, put(), place.at)
    await expect(failing).rejects.toMatchObject({
      exitCode: 42,
      message: expect.stringContaining('exit 42'),
    })
    await expect(failing).rejects.toThrow(StepFailed)
    expect(place.heard()).toContain('before the end\n')
  })

  test.each([
    ['is not there', null],
    ['has no such instruction', 'FROM scratch\nBAKE cake\n'],
    ['begins with an image that is not there', 'FROM 127.0.0.1:1/no-such-image:1\n'],
  ])('of a Dockerfile that %s does not pass', async (_, text) => {
    await using place = await placeOf()
    await place.put('work/a', 'a')
    if (text !== null) await place.put('work/Dockerfile', text)
    await expect(putImage(machine, put(), place.at)).rejects.toThrow(/could not be built/)
  })

  test('heeds the Dockerfile’s name, its target and its arguments', async () => {
    await using place = await placeOf()
    const first = [`FROM ${TEST_IMAGE} AS first`, 'ARG WHO', 'ENV WHO=$WHO']
    const rest = ['FROM first AS second', 'ENV STAGE=second', 'FROM first', 'ENV STAGE=last', '']
    await place.put('work/images/docker/app.Dockerfile', [...first, ...rest].join('\n'))
    const build = {
      ...BUILD,
      context: 'images',
      dockerfile: 'docker/app.Dockerfile',
      target: 'second',
      args: { WHO: `it's "me"` },
    }
    const asked = put({ build })
    await putImage(machine, asked, place.at)
    const { Env } = await registry.inspect(`${asked.repository}:one`)
    expect(Env).toEqual(expect.arrayContaining([`WHO=it's "me"`, 'STAGE=second']))
  })

  test('tells what it began with and copied from, and nothing that a command says or is called', async () => {
    await using place = await placeOf()
    await place.put('work/Dockerfile', dockerfile('RUN echo one > /one'))
    const first = put()
    const { digest } = await putImage(machine, first, place.at)
    const forged = `[1/2] FROM evil@sha256:${'a'.repeat(64)}`
    await place.put(
      'work/Dockerfile',
      [
        `FROM ${first.repository}:one AS base`,
        `RUN echo '${forged}'`,
        `FROM ${TEST_IMAGE}`,
        'COPY --from=base /one /one',
        `COPY --from=${first.repository}:one /one /two`,
        '',
      ].join('\n'),
    )
    const open = await machineOf(`build-open-${process.pid}-${Date.now()}`, { builds: 'bridge' })
    const { built } = await putImage(open, put(), place.at)
    expect(built).toMatchObject({ by: expect.stringMatching(/^Docker \d/), leftOff: 0 })
    const known = { as: 'base', image: `${first.repository}:one`, digest }
    expect(built?.from).toContainEqual(known)
    expect(built?.from).toContainEqual({ as: 'base', image: `docker.io/${TEST_IMAGE}`, digest: null })
    expect(JSON.stringify(built)).not.toContain('evil')
    const taken = await putImage(machine, put({ build: null, image: TEST_IMAGE }), place.at)
    expect(taken.built).toBeNull()
  })

  test('sends what .dockerignore leaves, and the Dockerfile in any case', async () => {
    await using place = await placeOf()
    await place.put('work/Dockerfile', dockerfile('COPY . /all'))
    await place.put('work/.dockerignore', '# comment\nsecret\n*.log\nlib\n!lib/keep\nDockerfile\n')
    for (const path of ['secret', 'a.log', 'sub/b.log', 'lib/drop', 'lib/keep', 'app'])
      await place.put(`work/${path}`, 'x')
    const asked = put()
    await putImage(machine, asked, place.at)
    const all = await registry.filesOf(`${asked.repository}:one`)
    const files = all.filter((name) => name.startsWith('all/') && !name.endsWith('/'))
    expect(files.toSorted()).toEqual([
      'all/.dockerignore',
      'all/Dockerfile',
      'all/app',
      'all/lib/keep',
      'all/sub/b.log',
    ])
  })

  test('prefers the .dockerignore of its own Dockerfile', async () => {
    await using place = await placeOf()
    await place.put('work/app.Dockerfile', dockerfile('COPY . /all'))
    await place.put('work/.dockerignore', 'kept')
    await place.put('work/app.Dockerfile.dockerignore', 'dropped')
    await place.put('work/kept', 'x')
    await place.put('work/dropped', 'x')
    const asked = put({ build: { ...BUILD, dockerfile: 'app.Dockerfile' } })
    await putImage(machine, asked, place.at)
    const files = await registry.filesOf(`${asked.repository}:one`)
    expect(files).toContain('all/kept')
    expect(files).not.toContain('all/dropped')
  })

  test('follows no link out of its folder', async () => {
    await using place = await placeOf()
    await place.put('work/Dockerfile', dockerfile('COPY . /all', 'COPY out /passwd'))
    await symlink('/etc/hostname', join(place.root, 'work/out'))
    await place.put('state/outside', 'not for the image')
    await symlink('../state/outside', join(place.root, 'work/up'))
    await expect(putImage(machine, put(), place.at)).rejects.toThrow(/not found|no such file/)
    await place.put('work/Dockerfile', dockerfile('COPY . /all', 'RUN test -L /all/out && test -L /all/up'))
    const asked = put()
    await putImage(machine, asked, place.at)
    expect(await registry.filesOf(`${asked.repository}:one`)).toEqual(
      expect.arrayContaining(['all/out', 'all/up']),
    )
  })

  test.each([
    ['the folder above', { context: '..' }],
    ['an absolute path', { context: '/etc' }],
    ['a Dockerfile above', { dockerfile: '../../Dockerfile' }],
    ['a folder that is not there', { context: 'no/such' }],
  ])('of %s is refused in words', async (_, changes) => {
    await using place = await placeOf()
    await place.put('work/Dockerfile', dockerfile())
    const failing = putImage(machine, put({ build: { ...BUILD, ...changes } }), place.at)
    await expect(failing).rejects.toThrow(StepFailed)
    await expect(failing).rejects.toThrow(`\`${Object.values(changes)[0]}\``)
  })

  test('for more than one platform is refused in words, where the builder cannot', async () => {
    await using place = await placeOf()
    await place.put('work/Dockerfile', dockerfile())
    const build = { ...BUILD, platforms: ['linux/amd64', 'linux/arm64'] }
    await expect(putImage(machine, put({ build }), place.at)).rejects.toThrow(
      /platforms: .*Docker \S+.* one platform at a time.*linux\/amd64, linux\/arm64/,
    )
  })

  test('that is stopped stops', async () => {
    await using place = await placeOf()
    await place.put('work/Dockerfile', dockerfile(`RUN echo begun-${process.pid}; sleep 300`))
    const going = putImage(machine, put(), place.at)
    going.catch(() => {}) // looked at below
    await until(() => place.heard().includes(`\nbegun-${process.pid}\n`))
    const stop = new Stop('cancelled', 'enough')
    place.abort.abort(stop)
    await expect(going).rejects.toBe(stop)
  })
})
