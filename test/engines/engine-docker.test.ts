import Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DEMO_IMAGE, importDemo } from '../../runner/docker/demo-image.ts'
import { LABEL } from '../../runner/docker/labels.ts'
import { dockerEngine } from '../../runner/docker/engine.ts'
import type { Engine } from '../../runner/engine.ts'
import { planOf } from '../runner/plans.ts'
import { until } from '../support/until.ts'
import { begin, collect, groundOf, open, runOnce } from './contract.ts'
import { describeEngine } from './contract-engine.ts'
import type { Ground } from './contract.ts'
import { serveGit } from './git-server.ts'
import { ensureTestImage, TEST_IMAGE, whyNoDocker } from './test-image.ts'

const reason = await whyNoDocker()
const soon = () => AbortSignal.timeout(5_000)
const make = (ground: Ground) => dockerEngine(ground, soon())

async function leftovers({ identity }: Ground): Promise<string[]> {
  const docker = new Docker()
  const filters = { label: [`${LABEL.runner}=${identity}`] }
  const containers = await docker.listContainers({ all: true, filters })
  const { Volumes } = await docker.listVolumes({ filters })
  const networks = await docker.listNetworks({ filters })
  const inside = (Id: string) => containers.find(({ HostConfig }) => HostConfig.NetworkMode?.endsWith(Id))
  return [
    ...containers.map(({ Names, Id }) => `container ${Names[0]} around ${inside(Id)?.Names[0] ?? 'nobody'}`),
    ...Volumes.map(({ Name }) => `volume ${Name}`),
    ...networks.map(({ Name }) => `network ${Name}`),
  ]
}

describe.skipIf(reason)(`with Docker${reason ? ` (skipped: ${reason})` : ''}`, () => {
  beforeAll(ensureTestImage)
  describeEngine('docker', { make, image: TEST_IMAGE, other: DEMO_IMAGE, leftovers })

  describe('a container', () => {
    let ground: Awaited<ReturnType<typeof groundOf>>
    let engine: Engine
    const docker = new Docker()
    beforeAll(async () => {
      ground = await groundOf('docker')
      engine = await make(ground)
    })
    afterAll(async () => {
      await engine.sweep(new Set())
      await ground[Symbol.asyncDispose]()
    })
    const plan = (commands: string[], changes = {}) => planOf(commands, { image: TEST_IMAGE, ...changes })
    /** The one with the run's shell in it. */
    const shellContainer = async () =>
      (await containers()).find(({ Labels }) => Labels[LABEL.run] !== undefined) ?? { Id: '' }
    const containers = () =>
      docker.listContainers({ all: true, filters: { label: [`${LABEL.runner}=${ground.identity}`] } })

    test('shows nothing of the script, the environment or a lease to who inspects it', async () => {
      await using workspace = await open(engine, plan([]))
      const commands = ['echo secret-command; sleep 300']
      const first = begin(workspace, { commands, env: { KEY: 'secret-value' } })
      await first.next()
      const { Id } = await shellContainer()
      const inspected = JSON.stringify(await docker.getContainer(Id).inspect())
      expect(inspected).not.toMatch(/secret/)
      const { Processes } = await docker.getContainer(Id).top()
      expect(JSON.stringify(Processes)).not.toMatch(/secret/)
    })

    test('speaks through a pipe of which its commands find no trace', async () => {
      await using workspace = await open(engine, plan(['x']))
      const commands = ['readlink /proc/$$/fd/1', 'ls -A /takt', 'echo over > /dev/stdout']
      const { bytes } = await collect(begin(workspace, commands))
      const said = bytes.toString()
      expect(said).toMatch(/\/\.said( \(deleted\))?\n/)
      expect(said.split('\n').slice(1)).not.toContain('.said')
      expect(said).toMatch(/over\n$/)
    })

    test('is hardened: few capabilities, no new privileges, limits, no binds, no log', async () => {
      await using _workspace = await open(engine, plan(['true']))
      const { Id } = await shellContainer()
      const { HostConfig, Config } = await docker.getContainer(Id).inspect()
      expect(HostConfig).toMatchObject({
        Privileged: false,
        Binds: null,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        PidsLimit: 1024,
        Init: true,
        LogConfig: { Type: 'none' },
        NetworkMode: expect.stringMatching(/^container:[0-9a-f]{64}$/),
      })
      expect(HostConfig.Memory).toBeGreaterThan(0)
      expect(HostConfig.MemorySwap).toBe(HostConfig.Memory)
      expect(HostConfig.NanoCpus).toBeGreaterThan(0)
      expect(Config.Env).toContain('TINI_KILL_PROCESS_GROUP=1')
    })

    test('reaches no other run over the network', async () => {
      await using server = await open(engine, plan([]))
      const listening = begin(server, ['hostname -i; while :; do echo hi | nc -l -p 9000; done'])
      const address = await until(async () => {
        const { value } = await listening.next()
        return value && 'kind' in value && value.kind === 'bytes'
          ? Buffer.from(value.bytes).toString().trim()
          : null
      })
      expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/)
      const ran = await runOnce(engine, plan([`nc -w 2 ${address} 9000 && echo reached || echo apart`]))
      expect(ran.text).toContain('apart\n')
    })

    test('that runs out of its memory fails the step, and says so', async () => {
      const limits = { cpus: 1, memoryBytes: 24 * 2 ** 20, pids: 100 }
      const ran = await runOnce(
        engine,
        plan(['x=aaaaaaaaaaaaaaaa; while :; do x="$x$x$x$x"; done'], { limits }),
      )
      expect(ran.status.exitCode).toBe(137)
      expect(ran.status.error).toMatchObject({
        code: 'out_of_memory',
        message: expect.stringContaining('24 MiB'),
      })
    })

    test('of an image that cannot be had breaks the run with the engine’s words', async () => {
      const said: string[] = []
      const opening = engine.open(plan(['true'], { image: '127.0.0.1:1/nobody/nothing:1' }), {
        signal: new AbortController().signal,
        say: async (text) => void said.push(text),
      })
      await expect(opening).rejects.toMatchObject({
        code: 'image_pull_failed',
        message: expect.stringMatching(/127\.0\.0\.1:1/),
      })
      expect(said.join('')).toContain('Pulling image 127.0.0.1:1/nobody/nothing:1\n')
      expect(await containers()).toEqual([])
    })

    test.each(['--Bad Name', '../../info', 'a/../../b?x=1', 'x#y', 'UPPER'])(
      'of a name no image can have, as %s, breaks the run',
      async (image) => {
        await expect(open(engine, plan(['true'], { image }))).rejects.toMatchObject({
          code: 'image_pull_failed',
        })
      },
    )

    test('is started from the holder that closes its network, and from what waits warm', async () => {
      const warm = await dockerEngine({ ...ground, docker: { warm: 1 } }, soon())
      try {
        await runOnce(warm, plan(['true']))
        await until(() => warm.house.cells.ready === 1 && warm.house.holders.ready === 1)
        const first = await runOnce(
          warm,
          plan(['echo x > here; echo "$PWD"; ip route | grep -c unreachable']),
        )
        expect(Number(/^\d+$/m.exec(first.text)?.[0])).toBeGreaterThan(2)
        await until(() => warm.house.cells.ready === 1)
        const second = await runOnce(warm, plan(['ls', 'env | grep -c TINI']))
        expect(second.text).toBe('1\n')
        const named = await open(warm, plan(['true']))
        await until(async () =>
          (await leftovers(ground)).some((name) => /container \/takt-\d+-1-/.test(name)),
        )
        await named[Symbol.asyncDispose]()
      } finally {
        await warm.close()
      }
      expect(await leftovers(ground)).toEqual([])
    })

    test('has no room of another kind: other limits, another container', async () => {
      const warm = await dockerEngine({ ...ground, docker: { warm: 1 } }, soon())
      try {
        await runOnce(warm, plan(['true']))
        await until(() => warm.house.cells.ready === 1)
        const limits = { cpus: 1, memoryBytes: 2 ** 28, pids: 77 }
        await using _workspace = await open(warm, plan(['true'], { limits }))
        const made = await containers()
        const pids = await Promise.all(
          made.map(async ({ Id }) => (await docker.getContainer(Id).inspect()).HostConfig.PidsLimit),
        )
        expect(pids).toContain(77)
      } finally {
        await warm.close()
      }
    })

    test('whose image runs as somebody else still owns its workspace', async () => {
      const name = `takt-test/user:${process.pid}`
      const { Id } = await docker
        .createContainer({ Image: TEST_IMAGE, Cmd: ['true'] })
        .then((made) => made.inspect())
      await docker
        .getContainer(Id)
        .commit({ repo: 'takt-test/user', tag: String(process.pid), changes: 'USER 1000' })
      await docker.getContainer(Id).remove()
      const credential = { username: 'run', password: 'lease-lease-lease' }
      await using git = await serveGit(credential)
      const sha = await git.commit({ 'd/a.txt': 'one\n' })
      const checkout = { url: git.url, sha, ref: 'refs/heads/main', credential }
      try {
        const commands = ['id -u', 'echo two >> d/a.txt; echo new > d/b.txt; echo top > c; cat d/a.txt']
        expect((await runOnce(engine, plan(commands, { image: name, checkout }))).text).toBe(
          '1000\none\ntwo\n',
        )
        expect((await runOnce(engine, plan(['echo x > y; cat y'], { image: name }))).text).toBe('x\n')
      } finally {
        await docker.getImage(name).remove()
      }
    })

    test('gets the same files whether they are moved or sent', async () => {
      const sending = await dockerEngine({ ...ground, filling: 'send' }, soon())
      const credential = { username: 'run', password: 'lease-lease-lease' }
      await using git = await serveGit(credential)
      const sha = await git.commit({ 'd/a.txt': 'one\n', 'go.sh': '#!/bin/sh\necho gone\n' })
      const checkout = { url: git.url, sha, ref: 'refs/heads/main', credential }
      const look = plan(
        ['ls -lanR . | sed "s/  */ /g" | cut -d" " -f1,3-5,9 | grep -v "^total"; cat .git/HEAD d/a.txt'],
        { checkout },
      )
      const [moved, sent] = [await runOnce(engine, look), await runOnce(sending, look)]
      const [a, b] = [moved, sent].map(({ text }) => text.split('\n').filter((line) => !line.endsWith(' ..')))
      expect(a).toEqual(b)
      expect(moved.text).toMatch(/^-rwxr-xr-x 0 0 \d+ go.sh$/m)
    })

    test('that is removed by somebody else breaks the run', async () => {
      await using workspace = await open(engine, plan([]))
      const step = collect(begin(workspace, ['echo up; sleep 300']), (text) => {
        if (text.includes('up'))
          void shellContainer().then(({ Id }) => docker.getContainer(Id).remove({ force: true }))
      })
      await expect(step).rejects.toMatchObject({
        code: expect.stringMatching(/^(shell_killed|engine_unavailable)$/),
      })
    })

    test('can be made from the machine’s own tools, where there is no busybox', async () => {
      const name = `takt-test/tools:${process.pid}`
      await importDemo(docker, { repository: name, busybox: null })
      try {
        const ran = await runOnce(
          engine,
          plan(['echo a | sed s/a/b/', 'uname -s; pwd; id -un'], { image: name }),
        )
        expect(ran.text).toBe('b\nLinux\n/takt/work\nroot\n')
      } finally {
        await docker.getImage(name).remove()
      }
    })
  })
})
