import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Docker from 'dockerode'
import tar from 'tar-fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Plan } from '#pipelines/wire/plan.ts'
import { DEMO_IMAGE } from '../../runner/docker/demo-image.ts'
import { dockerEngine } from '../../runner/docker/engine.ts'
import { LABEL } from '../../runner/docker/labels.ts'
import { FakeServer, TOKEN } from '../runner/fake-server.ts'
import { planOf } from '../runner/plans.ts'
import { until } from '../support/until.ts'
import { collect, groundOf, open, runOnce } from './contract.ts'
import { ensureTestImage, TEST_IMAGE, whyNoDocker } from './test-image.ts'

const MAIN = fileURLToPath(new URL('../../runner/main.ts', import.meta.url))
const reason = await whyNoDocker()
const docker = new Docker()
const idle = () => new AbortController().signal
const soon = () => AbortSignal.timeout(30_000)
const limits = { cpus: 1, memoryBytes: 2 ** 28, pids: 100 }
const MIB = 2 ** 20

/** Everything at the engine whose runner's label begins so. */
async function left(runner: string): Promise<string[]> {
  const filters = { label: [LABEL.runner] }
  const mine = ({ Labels }: { Labels?: Record<string, string> | null }) =>
    Labels?.[LABEL.runner]?.startsWith(runner) ?? false
  const containers = (await docker.listContainers({ all: true, filters })).filter(mine)
  const volumes = (await docker.listVolumes({ filters })).Volumes.filter(mine)
  const networks = (await docker.listNetworks({ filters })).filter(mine)
  return [
    ...containers.map(({ Names }) => `container ${Names.join()}`),
    ...volumes.map(({ Name }) => `volume ${Name}`),
    ...networks.map(({ Name }) => `network ${Name}`),
  ]
}

describe.skipIf(reason)(`when things go wrong${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let ground: Awaited<ReturnType<typeof groundOf>>
  let engine: Awaited<ReturnType<typeof dockerEngine>>
  const plan = (commands: string[], changes: Partial<Plan> = {}) =>
    planOf(commands, { image: TEST_IMAGE, limits, ...changes })

  beforeAll(async () => {
    await ensureTestImage()
    ground = await groundOf('faults')
    engine = await dockerEngine(ground, soon())
  })
  afterAll(async () => {
    expect(await left(ground.identity)).toEqual([])
    await ground[Symbol.asyncDispose]()
  })

  test('processes without end find the limit, and the run goes on to its hooks', async () => {
    await using workspace = await open(engine, plan([], { limits: { ...limits, pids: 40 } }))
    const bomb = 'i=0; while [ $i -lt 200 ]; do sleep 30 & i=$((i + 1)); done; exit 5'
    const step = await workspace.shell(null, idle())
    const ran = await collect(step.run({ commands: [bomb], env: {} }, idle()))
    expect(ran.status.exitCode).not.toBe(0)
    expect(ran.status.error).toMatchObject({
      code: 'pids_exhausted',
      message: expect.stringContaining('40 processes'),
    })
    const hook = await workspace.shell(null, idle())
    expect((await collect(hook.run({ commands: ['echo tidy'], env: {} }, idle()))).text).toBe('tidy\n')
  })

  test('a command that takes all memory is named as what ended the step', async () => {
    const hog = 'sh -c \'x=aaaaaaaaaaaaaaaa; while :; do x="$x$x$x$x"; done\''
    const ran = await runOnce(engine, plan([hog], { limits: { ...limits, memoryBytes: 32 * MIB } }))
    expect(ran.status.exitCode).toBe(137)
    expect(ran.status.error).toMatchObject({
      code: 'out_of_memory',
      message: expect.stringContaining('32 MiB'),
    })
  })

  test.each([
    ['in its workspace', 'dd if=/dev/zero of=big bs=1M count=120; sleep 300'],
    ['beside it', 'dd if=/dev/zero of=/big bs=1M count=120; sleep 300'],
  ])(
    'a run that writes too much %s is ended, with the reason',
    async (_where, commands) => {
      const maxima = { diskBytes: 60 * MIB }
      const small = await dockerEngine({ ...ground, docker: { maxima } }, soon())
      await using workspace = await open(small, plan([]))
      const shell = await workspace.shell(null, idle())
      const ran = await collect(shell.run({ commands: [commands], env: {} }, idle()))
      expect(ran.status.error).toMatchObject({
        code: 'disk_full',
        message: expect.stringContaining('60 MiB (TAKT_DISK)'),
      })
      const hook = await workspace.shell(null, idle())
      expect((await collect(hook.run({ commands: ['rm -f big; echo tidy'], env: {} }, idle()))).text).toBe(
        'tidy\n',
      )
    },
    60_000,
  )

  test('two hundred megabytes without a newline arrive whole', async () => {
    await using workspace = await open(engine, plan([]))
    const shell = await workspace.shell(null, idle())
    const output = shell.run({ commands: ['head -c 209715200 /dev/zero'], env: {} }, idle())
    let bytes = 0
    for (let next = await output.next(); !next.done; next = await output.next())
      if (next.value.kind === 'bytes') bytes += next.value.bytes.length
    expect(bytes).toBe(200 * MIB)
  })

  /** What a run ends with whose image holds these files. */
  async function ranIn(files: Readonly<Record<string, Uint8Array>>): Promise<unknown> {
    const [repo, tag] = ['takt-test/bare', String(process.pid)]
    const folder = await mkdtemp(join(tmpdir(), 'takt-bare-'))
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(folder, path, '..'), { recursive: true })
      await writeFile(join(folder, path), content, { mode: 0o755 })
    }
    const stream = await docker.importImage(tar.pack(folder) as never, { repo, tag })
    await new Promise<void>((resolve, reject) =>
      docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve())),
    )
    try {
      return await runOnce(engine, plan(['true'], { image: `${repo}:${tag}` })).catch(
        (error: unknown) => error,
      )
    } finally {
      await docker.getImage(`${repo}:${tag}`).remove()
      await rm(folder, { recursive: true })
    }
  }

  test('an image without a shell breaks the run, and says so', async () => {
    expect(await ranIn({})).toMatchObject({
      code: 'image_without_shell',
      message: expect.stringContaining('The image takt-test/bare:'),
    })
  })

  test('an image for another processor breaks the run, and says so', async () => {
    const program = Buffer.alloc(64)
    program.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]) // ELF, 64 bits, little-endian
    program.set([2, 0, 0xf3, 0, 1], 16) // a program, for RISC-V
    expect(await ranIn({ 'bin/sh': program })).toMatchObject({
      code: 'image_not_for_machine',
      message: expect.stringContaining('runs_on'),
    })
  })

  test('a holder that is killed takes nothing from the run', async () => {
    await using workspace = await open(engine, plan([]))
    const made = await docker.listContainers({ filters: { label: [`${LABEL.runner}=${ground.identity}`] } })
    const holder = made.find(({ Labels }) => Labels[LABEL.part] === 'holder')
    await docker.getContainer(holder!.Id).kill()
    const shell = await workspace.shell(null, idle())
    const ran = await collect(
      shell.run({ commands: ['echo on', 'nc -w 2 169.254.169.254 80 || echo closed'], env: {} }, idle()),
    )
    expect(ran.text).toContain('on\n')
    expect(ran.text).toContain('closed\n')
  })

  test('a step of another image begins after the holder was killed, in a new one, on the same files', async () => {
    await using workspace = await open(engine, plan([]))
    const shell = await workspace.shell(null, idle())
    await collect(shell.run({ commands: ['echo one > mark'], env: {} }, idle()))
    const made = await docker.listContainers({ filters: { label: [`${LABEL.runner}=${ground.identity}`] } })
    for (const { Id, Labels } of made)
      if (Labels[LABEL.part] === 'holder') await docker.getContainer(Id).kill()
    const other = await until(() => workspace.shell(DEMO_IMAGE, idle()))
    expect((await collect(other.run({ commands: ['cat mark'], env: {} }, idle()))).text).toBe('one\n')
  })

  test('commands that end their own group fail their step, and no more', async () => {
    await using workspace = await open(engine, plan([]))
    const shell = await workspace.shell(null, idle())
    const ran = await collect(shell.run({ commands: ['kill 0; sleep 5'], env: {} }, idle()))
    expect(ran.status).toMatchObject({ exitCode: 143, error: null })
    const next = await workspace.shell(null, idle())
    expect((await collect(next.run({ commands: ['echo on'], env: {} }, idle()))).text).toBe('on\n')
  })

  describe('a runner that is killed with -9', () => {
    const service = {
      ...{ step: 5, name: 'db', image: TEST_IMAGE, env: {}, dependsOn: [] },
      commands: ['sleep 300'],
      health: {
        probe: { kind: 'tcp' as const, port: 7000 },
        ...{ intervalMs: 100, timeoutMs: 60_000 },
      },
    }
    const PHASES: [string, Partial<Plan>, string[], (server: FakeServer, plan: Plan) => unknown][] = [
      ['while it prepares', {}, ['sleep 300'], (server, { run }) => server.reports.get(run)],
      [
        'while its services start',
        { services: [service] },
        ['true'],
        async (_server, { run }) =>
          (await left('faults-killed')).some((name) => name.includes(`${run}-1-`) && name.endsWith('-db')),
      ],
      [
        'in the middle of a step',
        {},
        ['echo up; sleep 300'],
        (server, { run }) => server.log(run).includes('up'),
      ],
      ['when the run has just ended', {}, ['true'], (server, { run }) => server.end(run)],
    ]
    test.each(PHASES)(
      '%s leaves nothing behind once it lives again',
      async (_phase, changes, commands, reached) => {
        await using server = await FakeServer.listen()
        const folder = await mkdtemp(join(tmpdir(), 'takt-killed-'))
        const start = () => {
          const env = {
            PATH: process.env['PATH'],
            TAKT_SERVER: `http://127.0.0.1:${server.port}`,
            TAKT_RUNNER_TOKEN: TOKEN,
            TAKT_ENGINE: 'docker',
            TAKT_DATA: folder,
            TAKT_SLOTS: '2',
            TAKT_RUNNER_NAME: `faults-killed-${process.pid}`,
          }
          return spawn(process.execPath, [MAIN], { env, stdio: 'ignore' })
        }
        const first = start()
        await until(() => server.said.some(({ say }) => say === 'ready'), { withinMs: 30_000 })
        const doomed = plan(commands, changes)
        server.give(doomed)
        await until(() => reached(server, doomed), { withinMs: 30_000 })
        first.kill('SIGKILL')
        await once(first, 'exit')
        const hellos = server.said.filter(({ say }) => say === 'hello').length
        const second = start()
        await until(() => server.said.filter(({ say }) => say === 'hello').length > hellos, {
          withinMs: 30_000,
        })
        try {
          expect(await left('faults-killed')).toEqual([])
        } finally {
          second.kill('SIGTERM')
          await once(second, 'exit')
          await rm(folder, { recursive: true, force: true })
        }
        expect(await left('faults-killed')).toEqual([])
      },
      90_000,
    )
  })
})
