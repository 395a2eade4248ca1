import Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Plan } from '#pipelines/wire/plan.ts'
import { dockerEngine } from '../../runner/docker/engine.ts'
import { planOf } from '../runner/plans.ts'
import { begin, collect, groundOf } from './contract.ts'
import { type FlakyEngine, flakyEngine } from './flaky-engine.ts'
import { type Registry, serveRegistry, whyNoRegistry } from './registry.ts'
import { ensureTestImage, run, TEST_IMAGE, whyNoDocker } from './test-image.ts'

const reason = (await whyNoDocker()) ?? (await whyNoRegistry())
const limits = { cpus: 1, memoryBytes: 2 ** 28, pids: 100 }
/** Of CapEff: the powers over the machine's own network and devices. */
const POWERS = [
  'caps=$(sed -n "s/^CapEff:\\t//p" /proc/self/status)',
  '[ $((0x$caps & (1 << 21))) -ne 0 ] && echo admin || echo bound', // CAP_SYS_ADMIN
]

describe.skipIf(reason)(`the powers of root${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let registry: Registry
  let ground: Awaited<ReturnType<typeof groundOf>>
  let engine: Awaited<ReturnType<typeof dockerEngine>>
  let exact = ''
  let door: FlakyEngine
  /** A machine that is a container itself may have less than all powers, and gives none away. */
  let whole = false
  const tagged = () => exact.replace(/@.*/, ':1')

  beforeAll(async () => {
    await ensureTestImage()
    registry = await serveRegistry({ closed: false })
    const name = `${registry.host}/tools/strong:1`
    await run('skopeo', [
      'copy',
      '--dest-tls-verify=false',
      `docker-daemon:${TEST_IMAGE}`,
      `docker://${name}`,
    ])
    exact = `${registry.host}/tools/strong@${(await registry.inspect(name)).Digest}`
    ground = await groundOf('powers')
    door = await flakyEngine()
    process.env['DOCKER_HOST'] = door.host
    engine = await dockerEngine({ ...ground, docker: { trusted: [exact] } }, AbortSignal.timeout(30_000))
    delete process.env['DOCKER_HOST']
    whole = await new Docker()
      .createContainer({
        Image: TEST_IMAGE,
        Cmd: ['true'],
        HostConfig: { Privileged: true, AutoRemove: true },
      })
      .then((made) =>
        made.start().catch((error) => made.remove({ force: true }).then(() => Promise.reject(error))),
      )
      .then(
        () => true,
        () => false, // looked at below: the engine is asked for it all the same
      )
  })
  afterAll(async () => {
    await engine.close()
    await ground[Symbol.asyncDispose]()
    const docker = new Docker()
    for (const name of [exact, tagged()])
      await docker
        .getImage(name)
        .remove()
        .catch(() => {}) // not pulled by a test that failed
    await registry[Symbol.asyncDispose]()
    await door[Symbol.asyncDispose]()
  })

  /** Whether the engine was asked for a container with all powers. */
  const asked = () => door.asked.some((line) => decodeURIComponent(line).includes('"Privileged":true'))
  const said: string[] = []

  async function powersOf(changes: Partial<Plan>): Promise<string> {
    said.length = 0
    door.asked.length = 0
    const say = async (text: string) => void said.push(text)
    const signal = AbortSignal.timeout(60_000)
    await using workspace = await engine.open(planOf([], { limits, ...changes }), { signal, say })
    const { text } = await collect(begin(workspace, POWERS))
    return text
  }

  test('are an image’s that the operator named by its digest, and the log says so', async () => {
    const powers = powersOf({ image: exact })
    if (whole) expect(await powers).toBe('admin\n')
    else await expect(powers).rejects.toMatchObject({ message: expect.stringContaining('not permitted') })
    expect(asked()).toBe(true)
    expect(said.join('')).toContain(`The image ${exact} has all powers of root: the operator named it.\n`)
  })

  test('are nobody’s in a pull request, and the log says why', async () => {
    expect(await powersOf({ image: exact, lane: 'pr/7' })).toBe('bound\n')
    expect(asked()).toBe(false)
    expect(said.join('')).toContain('TAKT_PRIVILEGED_IMAGES does not count for pull requests')
  })

  test('are not the same image’s under another name, and the log says which name has them', async () => {
    expect(await powersOf({ image: tagged() })).toBe('bound\n')
    expect(asked()).toBe(false)
    expect(said.join('')).toContain(`has no powers of root: the operator gave them to ${exact}`)
  })

  test('are not another image’s, and nothing is said of them', async () => {
    expect(await powersOf({ image: TEST_IMAGE })).toBe('bound\n')
    expect(asked()).toBe(false)
    expect(said.join('')).not.toContain('powers')
  })
})
