import Docker from 'dockerode'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { LABEL } from '../../runner/docker/labels.ts'
import { sweep } from '../../runner/docker/sweep.ts'
import { Checks } from '../../runner/resources/check.ts'
import type { CheckAsked, CheckOptions } from '../../runner/resources/check.ts'
import type { Machine } from '../../runner/resources/program.ts'
import { until } from '../support/until.ts'
import { doubleImage } from './double-image.ts'
import type { Double } from './double-image.ts'
import { machineOf } from './machine.ts'
import { ensureTestImage, whyNoDocker } from './test-image.ts'

const reason = await whyNoDocker()
const docker = new Docker()
const identity = `checker-${process.pid}-${Date.now()}`
let machine: Machine
const filters = { label: [`${LABEL.runner}=${identity}`, `${LABEL.part}=resource`] }
const containers = async () => (await docker.listContainers({ all: true, filters })).length

describe.skipIf(reason)(`a check${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let double: Double
  let checks: Checks
  beforeAll(async () => {
    await ensureTestImage()
    machine = await machineOf(identity)
    double = await doubleImage(docker)
  })
  beforeEach(() => void (checks = new Checks(machine, { slots: 4 })))
  afterEach(async () => {
    await checks[Symbol.asyncDispose]()
    expect(await containers()).toBe(0)
  })
  afterAll(() => double[Symbol.asyncDispose]())

  const ask = (changes: Partial<CheckAsked> = {}): CheckAsked => ({
    image: double.name,
    source: { uri: 'x' },
    version: null,
    timeoutMs: 30_000,
    ...changes,
  })
  const other = (options: Partial<CheckOptions>) => new Checks(machine, { slots: 4, ...options })
  const text = (base64 = '') => Buffer.from(base64, 'base64').toString()
  /** What the double noted of the call, which it tells as the second version. */
  async function noted(
    changes: Partial<CheckAsked> = {},
    by = checks,
  ): Promise<Readonly<Record<string, string>>> {
    const outcome = await by.check(ask(changes))
    if (!('versions' in outcome)) throw new Error(outcome.error.message)
    return outcome.versions[1] ?? {}
  }

  test('tells versions in the order of the image, and is called without arguments', async () => {
    const outcome = await checks.check(ask())
    if (!('versions' in outcome)) throw new Error(outcome.error.message)
    expect(outcome.versions[0]).toEqual({ ref: 'first' })
    const [, second = {}] = outcome.versions
    expect(second).toMatchObject({ arguments: '0', cwd: '/' })
    expect(text(second['stdin'])).toBe('{"source":{"uri":"x"}}')
    expect(text(second['env'])).not.toMatch(/BUILD_|TAKT/)
  })

  test('whatever it says of the secrets in its source, nobody reads them', async () => {
    const hidden = ['such thing', 'such bucket']
    for (const to of ['fail', 'garbage']) {
      const outcome = await checks.check(ask({ source: { do: to }, hidden }))
      expect(outcome).toMatchObject({ error: { message: expect.stringContaining('no ***') } })
    }
  })

  test('names the version it begins at, where there is one', async () => {
    const second = await noted({ version: { ref: 'first' } })
    expect(text(second['stdin'])).toBe('{"source":{"uri":"x"},"version":{"ref":"first"}}')
  })

  test('finds its /tmp as the last one of the same question left it, in whatever order its source is written', async () => {
    const first = await noted({ source: { a: 1, b: 2 } })
    const second = await noted({ source: { b: 2, a: 1 } })
    const another = await noted({ source: { a: 1, b: 3 } })
    expect([first['count'], second['count'], another['count']]).toEqual(['1', '2', '1'])
    expect(second['who']).toBe(first['who'])
    expect(await containers()).toBe(2)
  })

  test('runs alone among those of its question, and beside those of others', async () => {
    const source = { do: 'slow' }
    const all = await Promise.all([noted({ source }), noted({ source }), noted({ source }), noted()])
    expect(all.map(({ count }) => count)).toEqual(['1', '2', '3', '1'])
    expect(all.map(({ overlaps }) => overlaps)).toEqual(['0', '0', '0', '0'])
  })

  test('leaves no process behind between two', async () => {
    await noted()
    expect((await docker.listContainers({ filters })).length).toBe(0)
  })

  test('that fails tells its last words, and its container is used again', async () => {
    expect(await checks.check(ask({ source: { do: 'fail' } }))).toEqual({
      error: {
        code: 'check_failed',
        message: expect.stringMatching(/^\/opt\/resource\/check ended with 3: [^]*no such thing$/),
      },
    })
    expect(await containers()).toBe(1)
  })

  test.each([
    ['nothing', []],
    ['null', []],
  ])('that answers %s found nothing new', async (what, versions) => {
    expect(await checks.check(ask({ source: { do: what } }))).toEqual({ versions })
  })

  test('that ended well and answered badly is told with what it said', async () => {
    const outcome = await checks.check(ask({ source: { do: 'garbage' } }))
    const message = 'error' in outcome ? outcome.error.message : ''
    expect(message).toContain('but with "this is no JSON\\n". It said: ')
    expect(message).toContain('no such bucket')
  })

  test.each(['garbage', 'bad', 'number', 'flood'])('that answers %s broke the protocol', async (what) => {
    expect(await checks.check(ask({ source: { do: what } }))).toMatchObject({ error: { code: 'bad_answer' } })
  })

  test('of an image without the program says so', async () => {
    expect(await checks.check(ask({ image: 'takt-test/busybox:1' }))).toMatchObject({
      error: { code: 'resource_program_missing' },
    })
    expect(await containers()).toBe(0)
  })

  test('of an image that cannot be had says so', async () => {
    expect(await checks.check(ask({ image: '127.0.0.1:1/no/such:1' }))).toMatchObject({
      error: { code: 'image_pull_failed' },
    })
  })

  test('that takes too long is ended, and the next one begins with a new container', async () => {
    expect(await checks.check(ask({ source: { do: 'hang' }, timeoutMs: 1_500 }))).toEqual({
      error: { code: 'check_timeout', message: 'The check took longer than the 1.5 s it has.' },
    })
    expect(await containers()).toBe(0)
  })

  test('container that is idle, or old, goes', async () => {
    await using hasty = other({ idleMs: 200 })
    await noted({}, hasty)
    await until(async () => (await containers()) === 0)
    await using aging = other({ lifeMs: 0 })
    expect([(await noted({}, aging))['count'], (await noted({}, aging))['count']]).toEqual(['1', '1'])
    expect(await containers()).toBe(1)
  })

  test('container that an earlier life left behind is swept, and no other runner’s', async () => {
    await noted()
    const none = new Set<never>()
    await sweep({ ...machine, maker: { runner: `${identity}-other`, life: 'next' } }, none)
    await sweep(machine, none)
    expect(await containers()).toBe(1)
    await sweep({ ...machine, maker: { runner: identity, life: 'next' } }, none)
    expect(await containers()).toBe(0)
    // A life that goes on all the same makes a new one.
    expect(await checks.check(ask())).toMatchObject({ error: { code: 'engine_unavailable' } })
    expect((await noted())['count']).toBe('1')
  })
})
