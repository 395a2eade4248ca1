import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ownAddresses } from '../../runner/docker/addresses.ts'
import { textOf } from '../../runner/docker/demux.ts'
import { LABEL } from '../../runner/docker/labels.ts'
import { openRoom } from '../../runner/docker/walled-room.ts'
import { StepFailed } from '../../runner/engine.ts'
import { putImage } from '../../runner/resources/image/put.ts'
import type { Machine } from '../../runner/resources/program.ts'
import { until } from '../support/until.ts'
import { planOf } from '../runner/plans.ts'
import { BUILD, dockerfile, imagePut } from './image-puts.ts'
import { machineOf } from './machine.ts'
import { placeOf } from './place.ts'
import { serveRegistry, whyNoRegistry } from './registry.ts'
import type { Registry } from './registry.ts'
import { ensureTestImage, TEST_IMAGE, whyNoDocker } from './test-image.ts'

const run = promisify(execFile)
const reason = (await whyNoDocker()) ?? (await whyNoRegistry())
const identity = `wall-${process.pid}-${Date.now()}`
const limits = { cpus: 1, memoryBytes: 64 * 2 ** 20, pids: 64 }
const python = await run('python3', ['-c', '']).then(
  () => process.getuid?.() === 0,
  () => false,
)
/** A TCP SYN written by hand into a frame for whatever card leads out: no route is asked, only NET_RAW is needed. */
const FRAME = `
import socket, struct, sys
def ck(b):
    t = sum(struct.unpack('!%dH' % (len(b) // 2), b))
    t = (t >> 16) + (t & 0xffff)
    return ~(t + (t >> 16)) & 0xffff
own, port = sys.argv[1], int(sys.argv[2])
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
s.bind(('eth0', 0))
s.settimeout(2)
gate = None
while not gate:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('198.51.100.1', 9))
    cards = [line.split()[3] for line in open('/proc/net/arp')][1:]
    gate = next((c for c in cards if c not in ('02:00:00:00:00:01', '00:00:00:00:00:00')), None)
for dst in sys.argv[3:]:
    ends = socket.inet_aton(own) + socket.inet_aton(dst)
    tcp = struct.pack('!HHIIBBHHH', 44444, port, 7, 0, 0x50, 2, 65535, 0, 0)
    sum1 = ck(ends + struct.pack('!BBH', 0, 6, 20) + tcp)
    tcp = tcp[:16] + struct.pack('!H', sum1) + tcp[18:]
    ip = struct.pack('!BBHHHBBH', 0x45, 0, 40, 1, 0, 64, 6, 0) + ends
    ip = ip[:10] + struct.pack('!H', ck(ip)) + ip[12:]
    s.send(bytes.fromhex(gate.replace(':', '')) + s.getsockname()[4] + b'\\x08\\x00' + ip + tcp)
    try:
        while True:
            got = s.recv(2000)
            if got[26:30] == socket.inet_aton(dst) and got[23] == 6:
                print(dst, 'answered')
                break
    except TimeoutError:
        pass
`

describe.skipIf(reason)(`the RUN lines of a Dockerfile${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let machine: Machine
  let registry: Registry
  beforeAll(async () => {
    await ensureTestImage()
    machine = await machineOf(identity)
    registry = await serveRegistry({ closed: false })
  })
  afterAll(async () => {
    await registry[Symbol.asyncDispose]()
    const filters = { label: [`${LABEL.runner}=${identity}`] }
    expect(await machine.docker.listContainers({ all: true, filters })).toEqual([])
  })

  /** What a build of these lines says. */
  async function building(lines: readonly string[], by = machine): Promise<string> {
    await using place = await placeOf(planOf([], { limits }))
    await place.put('work/Dockerfile', dockerfile(`ENV OF=${Math.random()}`, ...lines))
    await putImage(by, imagePut(registry.host), place.at)
    return place.heard()
  }
  async function listening() {
    const server = createServer((socket) => socket.on('error', () => {}).end('hello'))
    server.listen(0, '0.0.0.0')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    return { port, [Symbol.asyncDispose]: async () => void server.close() }
  }
  const tries = (addresses: readonly string[], port: number) =>
    `${addresses
      .map((at) => `{ nc -w 3 ${at} ${port} </dev/null >/dev/null 2>&1 && echo got-to-${at}-; }`)
      .join(' & ')} & wait`

  test('reach neither the engine’s machine, which they would without the wall, nor what is link-local', async () => {
    await using server = await listening()
    const closed = [...(await ownAddresses()), '169.254.169.254']
    const said = await building([`RUN ${tries(closed, server.port)}; echo tried-$((1 + 1)); ip route`])
    expect(said).toContain('tried-2\n')
    expect(said).toContain('default via ')
    expect(said).not.toMatch(/got-to-\d+\.\d+\.\d+\.\d+-\n/)
    const open = await machineOf(identity, { allowed: 'all' })
    const free = await building([`RUN ${tries(closed, server.port)}`], open)
    expect(free).toMatch(/got-to-\d+\.\d+\.\d+\.\d+-\n/) // each of them, but networks of other tests come and go
  })

  test('reach no other run, whose network is another one', async () => {
    await using other = await machine.holders.take(AbortSignal.timeout(60_000))
    const { NetworkSettings } = await other.container.inspect()
    const address = NetworkSettings.Networks['takt']?.IPAddress ?? ''
    const doing = async (script: string) => {
      const asked = { Cmd: ['/bin/sh', '-c', script], AttachStdout: true, AttachStderr: true }
      return (await other.container.exec(asked)).start({})
    }
    await doing('while :; do echo served | /bin/busybox nc -l -p 5432; done')
    const itself = '/bin/busybox nc 127.0.0.1 5432 </dev/null 2>&1'
    await until(async () => (await textOf(await doing(itself), 1_000)).includes('served'))
    const said = await building([`RUN ${tries([address], 5432)}; echo tried-$((1 + 1))`])
    expect(said).toContain('tried-2\n')
    expect(said).not.toContain(`got-to-${address}-\n`)
  })

  test.skipIf(!python)('reach nothing of it either with frames that they write themselves', async () => {
    await using server = await listening()
    const closed = await ownAddresses()
    const framesFrom = async (id: string, own: string) => {
      const { State } = await machine.docker.getContainer(id).inspect()
      const program = ['python3', '-c', FRAME, own, String(server.port), ...closed.slice(0, 3)]
      return (await run('nsenter', ['-t', String(State.Pid), '-n', ...program])).stdout
    }
    const signal = AbortSignal.timeout(60_000)
    await using holder = await machine.holders.take(signal)
    const { NetworkSettings } = await holder.container.inspect()
    const open = await framesFrom(holder.id, NetworkSettings.Networks['takt']?.IPAddress ?? '')
    expect(open).toContain('answered') // what a namespace does not stop that has the card of the bridge in it
    await using room = await openRoom({ ...machine, limits, labels: {} }, signal)
    const id = room.networkMode.replace('container:', '')
    const { stdout } = await run('nsenter', [
      '-t',
      String((await machine.docker.getContainer(id).inspect()).State.Pid),
      '-n',
      'ip',
      '-4',
      'addr',
      'show',
      'eth0',
    ])
    const [, own = ''] = /inet ([0-9.]+)/.exec(stdout) ?? []
    expect(await framesFrom(id, own)).toBe('')
  })

  test('cannot open the wall', async () => {
    const said = await building([
      'RUN ip route add 192.0.2.0/24 dev eth0; ip addr add 192.0.2.9/24 dev eth0; echo done',
    ])
    expect(said.match(/RTNETLINK answers: Operation not permitted|not permitted/g)?.length).toBe(2)
  })

  test('have the job’s limits: memory', async () => {
    const hog = `sh -c 'x=aaaaaaaaaaaaaaaa; while :; do x="$x$x$x$x"; done'`
    await expect(building([`RUN ${hog}`])).rejects.toMatchObject({ exitCode: 137 })
  })

  test('have the job’s limits: processors, and processes where the engine counts them', async () => {
    const { CgroupDriver, CgroupVersion } = await machine.docker.info()
    const below = CgroupDriver === 'cgroupfs' && CgroupVersion === '1'
    const said = await building(
      [
        'RUN cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us; grep pids /proc/self/cgroup',
        'RUN i=0; while [ $i -lt 100 ]; do sleep 2 & i=$((i + 1)); done; echo all-$((50 + 50))',
      ].slice(0, below ? 1 : 2),
    ).catch((error: unknown) => String(error))
    if (below) expect(said).toMatch(/^100000\n\d+:pids:\/takt-builds\//m)
    if (!below) return
    await expect(
      building(['RUN i=0; while [ $i -lt 100 ]; do sleep 2 & i=$((i + 1)); done; wait']),
    ).rejects.toThrow(StepFailed)
  })

  test.each([
    [
      'that need BuildKit',
      'walled' as const,
      ['RUN --mount=type=cache,target=/c ip route; echo links: $(ls /sys/class/net)'],
    ],
    ['where the operator gives none', 'none' as const, ['RUN ip route; echo links: $(ls /sys/class/net)']],
  ])('%s have no network, and the log says so', async (_, builds, lines) => {
    const by = { ...machine, builds }
    const said = await building(lines, by)
    expect(said).toContain('RUN has no network here')
    expect(said).toMatch(/^links: lo$/m)
    expect(said).not.toContain('default via')
  })

  test('are on the engine’s bridge where the operator says so', async () => {
    const said = await building(['RUN ip route'], { ...machine, builds: 'bridge' })
    expect(said).toMatch(/^default via /m)
    expect(said).not.toContain('RUN has no network')
  })

  test.each([
    ['has the engine fetch something', 'ADD http://169.254.169.254/latest /x', /169\.254\.169\.254/],
    ['may have the engine fetch something', 'ARG FROM_WHERE\nADD $FROM_WHERE /x', /FROM_WHERE/],
    ['brings a reader of its own', '# syntax=acme/reader:1', /acme\/reader:1/],
  ])('are not built where the Dockerfile %s', async (_, line, named) => {
    await using place = await placeOf()
    await place.put(
      'work/Dockerfile',
      `${line.startsWith('#') ? `${line}\n` : ''}FROM ${TEST_IMAGE}\n${line}\n`,
    )
    const failing = putImage(machine, imagePut(registry.host), place.at)
    await expect(failing).rejects.toThrow(StepFailed)
    await expect(failing).rejects.toThrow(named)
    await expect(failing).rejects.toThrow(/TAKT_BUILD_NETWORK/)
  })

  test('are not built where the Dockerfile is a link, behind which another one may stand', async () => {
    await using place = await placeOf()
    await place.put('work/real', '# syntax=acme/reader:1\n')
    await symlink('real', join(place.root, 'work/Dockerfile'))
    const build = { ...BUILD, args: { BUILDKIT_SYNTAX: 'docker/dockerfile:1' } }
    const failing = putImage(machine, imagePut(registry.host, { build }), place.at)
    await expect(failing).rejects.toThrow(/no plain file `Dockerfile`/)
  })
})
