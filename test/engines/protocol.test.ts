import { lstat, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LABEL } from '../../runner/docker/labels.ts'
import { EngineError, StepFailed } from '../../runner/engine.ts'
import { getCustom, putCustom } from '../../runner/resources/custom.ts'
import type { CustomGet, CustomPut } from '../../runner/resources/custom.ts'
import type { Machine } from '../../runner/resources/program.ts'
import { Stop } from '../../runner/stop.ts'
import { checkoutOf, planOf } from '../runner/plans.ts'
import { until } from '../support/until.ts'
import { doubleImage } from './double-image.ts'
import type { Double } from './double-image.ts'
import { machineOf } from './machine.ts'
import { placeOf } from './place.ts'
import { ensureTestImage, whyNoDocker } from './test-image.ts'

const reason = await whyNoDocker()
const docker = new Docker()
const identity = `protocol-${process.pid}-${Date.now()}`
let machine: Machine
const sha = 'a'.repeat(40)
const checkout = checkoutOf({ url: 'http://nowhere/a.git', sha, ref: 'refs/heads/main' })

const leftovers = async () => {
  const found = await docker.listContainers({
    all: true,
    filters: { label: [`${LABEL.runner}=${identity}`] },
  })
  return found.map(({ Names }) => Names[0])
}

describe.skipIf(reason)(`an image of the resource protocol${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let double: Double
  beforeAll(async () => {
    await ensureTestImage()
    machine = await machineOf(identity)
    double = await doubleImage(docker)
  })
  afterAll(async () => {
    await double[Symbol.asyncDispose]()
    expect(await leftovers()).toEqual([])
  })

  const get = (changes: Partial<CustomGet> = {}): CustomGet => ({
    kind: 'custom',
    resource: 'odd',
    image: double.name,
    source: { uri: 'x', deep: { list: [1, true, null] } },
    version: { ref: 'first' },
    params: {},
    ...changes,
  })
  const put = (changes: Partial<CustomPut> = {}): CustomPut => ({
    kind: 'custom',
    resource: 'odd',
    image: double.name,
    source: { uri: 'x' },
    params: {},
    ...changes,
  })

  test('is called to get with one argument, one JSON object on stdin, no terminal, from the root', async () => {
    await using place = await placeOf()
    const fields = await getCustom(machine, get(), place.at)
    const at = (name: string) => place.file(`inputs/odd/${name}`)
    expect(await at('argv')).toBe('/opt/resource/in\n/tmp/build/get\n')
    expect(await at('stdin')).toBe(
      '{"source":{"uri":"x","deep":{"list":[1,true,null]}},"version":{"ref":"first"}}',
    )
    expect(await at('cwd')).toBe('/\n')
    expect(await at('tty')).toBe('no\n')
    expect(fields).toEqual({ ref: 'made', n: '2' })
  })

  test('finds the environment of its image and what is said of the build, and nothing of the runner’s', async () => {
    await using place = await placeOf(planOf([], { env: { TAKT_URL: 'http://takt', SECRET_OF_JOB: 'x' } }))
    await getCustom(machine, get(), place.at)
    const { run } = place.at.work.plan
    const lines = (await place.file('inputs/odd/env')).trim().split('\n')
    expect(lines).toEqual(
      expect.arrayContaining([
        'OF_THE_IMAGE=yes',
        `BUILD_ID=${run}`,
        'BUILD_JOB_NAME=test',
        'BUILD_PIPELINE_NAME=main',
        'BUILD_TEAM_NAME=shop',
        'ATC_EXTERNAL_URL=http://takt',
        `BUILD_URL=http://takt/runs/${run}`,
      ]),
    )
    expect(lines.join('\n')).not.toMatch(/SECRET|TINI|TAKT|VITEST/)
  })

  test('says what it has to say on stderr, colours and all, and then its version and what it tells of it', async () => {
    await using place = await placeOf()
    await getCustom(machine, get(), place.at)
    expect(place.heard()).toBe(
      'a line on stderr\n\x1b[31mred\x1b[0m\nref: made\nn: 2\nauthor: somebody\nempty: \n',
    )
  })

  test('leaves files, folders and links among the run’s inputs, and neither pipes nor what lay there before', async () => {
    await using place = await placeOf()
    await place.put('inputs/odd/old', 'of another version')
    await place.put('inputs/other/kept', 'of another resource')
    await getCustom(machine, get(), place.at)
    expect(await place.file('inputs/odd/file')).toBe('content\n')
    expect((await lstat(join(place.root, 'inputs/odd/file'))).mode & 0o777).toBe(0o700)
    expect(await readlink(join(place.root, 'inputs/odd/folder/link'))).toBe('../file')
    expect(await place.file('inputs/odd/folder/hard')).toBe('content\n')
    expect(await readdir(join(place.root, 'inputs/odd'))).toEqual(
      ['argv', 'cwd', 'env', 'file', 'folder', 'out', 'stdin', 'tty', 'user'].toSorted(),
    )
    expect(await place.file('inputs/other/kept')).toBe('of another resource')
  })

  test('that puts a link where its folder was breaks the step', async () => {
    await using place = await placeOf()
    const broken = getCustom(machine, get({ params: { do: 'replace' } }), place.at)
    await expect(broken).rejects.toMatchObject({
      code: 'bad_answer',
      message: expect.stringContaining(double.name),
    })
  })

  test.each([
    ['params', { params: { a: 1 } }, '{"source":{"uri":"x"},"params":{"a":1}}'],
    ['no params', {}, '{"source":{"uri":"x"}}'],
    ['an empty source', { source: {} }, '{"source":{}}'],
  ])('is told %s to put, and never an empty or null part', async (_, changes, stdin) => {
    await using place = await placeOf()
    const made = await putCustom(machine, put(changes), place.at)
    expect(place.heard()).toContain(`stdin: ${stdin}\n`)
    expect(made.version).toEqual({ ref: 'made', n: '2' })
    expect(made.metadata).toEqual([
      { name: 'author', value: 'somebody' },
      { name: 'empty', value: '' },
    ])
  })

  test('finds what its params name: resources of the run by their name, else folders of the working directory', async () => {
    const gets = [{ kind: 'files' as const, resource: 'bundle', version: '1' }]
    await using place = await placeOf(planOf([], { checkout, gets, env: { SRC_SHA: sha } }))
    await place.put('work/readme', 'r')
    await place.put('work/dist/app', 'd')
    await place.put('inputs/bundle/zip', 'z')
    const params = { files: ['dist/app', './bundle/zip', 'no/such'], from: 'src/readme', text: 'a text' }
    await putCustom(machine, put({ params }), place.at)
    expect(place.heard()).toContain(
      ['./bundle/zip: z', './dist/app: d', './src/dist/app: d', './src/readme: r'].join('\n'),
    )
  })

  test('finds the working directory and all inputs where its params name no file', async () => {
    const gets = [{ kind: 'files' as const, resource: 'bundle', version: '1' }]
    await using place = await placeOf(planOf([], { gets }))
    await place.put('work/readme', 'r')
    await place.put('inputs/bundle/zip', 'z')
    await putCustom(machine, put({ params: { text: 'hello' } }), place.at)
    expect(place.heard()).toContain('./bundle/zip: z\n./readme: r\n')
  })

  test('changes nothing of the run’s files when it puts', async () => {
    await using place = await placeOf()
    await place.put('work/dist/app', 'd')
    await putCustom(machine, put(), place.at)
    expect(await readdir(join(place.root, 'work/dist'))).toEqual(['app'])
  })

  test('that ends with another code than 0 fails the step, and its answer is not looked at', async () => {
    await using place = await placeOf()
    const failing = getCustom(machine, get({ source: { do: 'fail' } }), place.at)
    await expect(failing).rejects.toThrow(StepFailed)
    await expect(failing).rejects.toMatchObject({ exitCode: 3 })
    expect(place.heard()).toContain('no such thing\n')
  })

  test.each(['garbage', 'nothing', 'number', 'empty', 'flood'])(
    'that answers %s breaks the step',
    async (what) => {
      await using place = await placeOf()
      const broken = getCustom(machine, get({ source: { do: what } }), place.at)
      await expect(broken).rejects.toThrow(EngineError)
      await expect(broken).rejects.toMatchObject({ code: 'bad_answer' })
    },
  )

  test('that has no such program breaks the step', async () => {
    await using place = await placeOf()
    const broken = getCustom(machine, get({ image: 'takt-test/busybox:1' }), place.at)
    await expect(broken).rejects.toMatchObject({
      code: 'resource_program_missing',
      message: 'The image takt-test/busybox:1 has no executable /opt/resource/in.',
    })
  })

  test('that cannot be had breaks the step', async () => {
    await using place = await placeOf()
    const broken = getCustom(machine, get({ image: '127.0.0.1:1/no/such:1' }), place.at)
    await expect(broken).rejects.toMatchObject({ code: 'image_pull_failed' })
  })

  test('that is stopped hears SIGTERM and may end by itself', async () => {
    await using place = await placeOf()
    const going = getCustom(machine, get({ source: { do: 'hang' } }), place.at)
    going.catch(() => {}) // looked at below
    await until(() => place.heard().includes('hanging'))
    const stop = new Stop('cancelled', 'enough')
    place.abort.abort(stop)
    await expect(going).rejects.toBe(stop)
  })

  test('that does not end on SIGTERM is killed after its grace', async () => {
    await using place = await placeOf()
    const going = getCustom(machine, get({ source: { do: 'stubborn' } }), place.at)
    going.catch(() => {}) // looked at below
    await until(() => place.heard().includes('hanging'))
    const beganAt = performance.now()
    place.abort.abort(new Stop('cancelled', 'enough'))
    await expect(going).rejects.toThrow('enough')
    expect(performance.now() - beganAt).toBeGreaterThan(9_500)
  })

  test('that runs as somebody else can write to its folder', async () => {
    await using other = await doubleImage(docker, ['USER 1000'])
    await using place = await placeOf()
    await getCustom(machine, get({ image: other.name }), place.at)
    expect(await place.file('inputs/odd/user')).toBe('1000\n')
  })

  test('is hardened like a job’s container, has no volume, and shows nothing of what it is told', async () => {
    await using place = await placeOf()
    const going = getCustom(machine, get({ source: { do: 'hang', token: 'the-secret' } }), place.at)
    going.catch(() => {}) // it is stopped below
    await until(() => place.heard().includes('hanging'))
    const [{ Id } = { Id: '' }] = await docker.listContainers({
      filters: { label: [`${LABEL.runner}=${identity}`] },
    })
    const inspected = await docker.getContainer(Id).inspect()
    place.abort.abort(new Stop('cancelled', 'enough'))
    await going.catch(() => {}) // stopped
    expect(inspected.HostConfig).toMatchObject({
      Privileged: false,
      Binds: null,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      PidsLimit: 1024,
      LogConfig: { Type: 'none' },
    })
    expect(inspected.HostConfig.Memory).toBe(place.at.work.plan.limits.memoryBytes)
    expect(inspected.Mounts).toEqual([])
    expect(JSON.stringify(inspected)).not.toContain('the-secret')
    expect(inspected.Config.Labels).toMatchObject({ [LABEL.run]: String(place.at.work.plan.run) })
  })
})
