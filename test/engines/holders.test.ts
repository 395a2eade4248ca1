import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ownAddresses, parseAllowed } from '../../runner/docker/addresses.ts'
import { createContainer } from '../../runner/docker/door.ts'
import type { Holder } from '../../runner/docker/holder.ts'
import { Calm } from '../../runner/docker/calm.ts'
import { ensureHolderImage } from '../../runner/docker/holder-image.ts'
import { Holders } from '../../runner/docker/holders.ts'
import { workConfig } from '../../runner/docker/host-config.ts'
import { Images } from '../../runner/docker/images.ts'
import { LABEL } from '../../runner/docker/labels.ts'
import { ensureNetwork } from '../../runner/docker/network.ts'
import { makeNetwork } from '../../runner/docker/networks.ts'
import { Remains } from '../../runner/docker/remains.ts'
import { Turnstile } from '../../runner/turnstile.ts'
import { until } from '../support/until.ts'
import { log } from './contract.ts'
import { ensureTestImage, TEST_IMAGE, whyNoDocker } from './test-image.ts'

const run = promisify(execFile)
const reason = await whyNoDocker()
const docker = new Docker()
const identity = `holders-${process.pid}-${Date.now()}`
const maker = { runner: identity, life: 'this' }
const idle = () => new AbortController().signal
const remains = new Remains({ docker, log })
const limits = { cpus: 1, memoryBytes: 2 ** 28, pids: 128 }
const python = await run('python3', ['-c', '']).then(
  () => process.getuid?.() === 0,
  () => false,
)
/** Connects to each address, as everybody does and bound to the card, which needs no route. */
const CONNECT = `
import socket, sys
for address in sys.argv[2:]:
    for card in (None, b'eth0'):
        s = socket.socket()
        s.settimeout(1)
        if card: s.setsockopt(socket.SOL_SOCKET, 25, card)
        try:
            s.connect((address, int(sys.argv[1])))
            print(address, card, 'reached')
        except OSError:
            pass
`

describe.skipIf(reason)(`a run's network namespace${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let image = ''
  const holdersWith = (allowed = '', size = 0) =>
    new Holders({
      docker,
      maker,
      calm: new Calm(),
      log,
      image,
      images: new Images(docker),
      remains,
      starts: new Turnstile(2),
      runtime: null,
      allowed: parseAllowed(allowed)!,
      warm: { size, idleMs: 60_000 },
    })
  const facts = () => ({
    docker,
    maker,
    calm: new Calm(),
    log,
    remains,
    warm: { size: 0, idleMs: 1 },
    made: async () => {},
  })

  /** What a command prints that runs as a step does, in the holder's namespace. */
  async function inside(holder: Holder, command: string): Promise<string> {
    const { purpose, config } = workConfig({
      limits,
      runtime: null,
      holder: holder.id,
      volume: null,
      privileged: false,
    })
    const container = await createContainer(docker, purpose, {
      Image: TEST_IMAGE,
      Cmd: ['sh', '-c', command],
      Labels: { [LABEL.runner]: identity },
      Tty: true,
      HostConfig: config,
    })
    try {
      const stream = await container.attach({ stream: true, stdout: true, stderr: true })
      await container.start()
      let text = ''
      for await (const chunk of stream) text += String(chunk)
      return text.replaceAll('\r', '')
    } finally {
      await container.remove({ force: true })
    }
  }

  async function listening() {
    const server = createServer((socket) => socket.on('error', () => {}).end('hello')) // who only connects resets
    server.listen(0, '0.0.0.0')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const dispose = async () => void server.close()
    return { port, [Symbol.asyncDispose]: dispose }
  }
  const tries = (addresses: readonly string[], port: number) =>
    addresses.map((at) => `nc -w 2 ${at} ${port} </dev/null >/dev/null 2>&1 && echo reached ${at}`).join('; ')

  beforeAll(async () => {
    await ensureTestImage()
    await ensureNetwork(docker, idle())
    image = await ensureHolderImage(
      { docker, images: new Images(docker) },
      { signal: idle(), say: async () => {} },
    )
  })
  afterAll(async () => {
    const left = await docker.listContainers({
      all: true,
      filters: { label: [`${LABEL.runner}=${identity}`] },
    })
    for (const { Id } of left) await docker.getContainer(Id).remove({ force: true })
    expect(left).toEqual([])
  })

  test('reaches no address of the engine’s machine, which it would without the wall', async () => {
    await using server = await listening()
    const machine = await ownAddresses()
    expect(machine.length).toBeGreaterThan(1)
    await using open = holdersWith('all')
    await using free = await open.take(idle())
    const reached = await inside(free, tries(machine, server.port))
    for (const address of machine) expect(reached).toContain(`reached ${address}\n`)
    await using holders = holdersWith()
    await using holder = await holders.take(idle())
    expect(await inside(holder, `${tries(machine, server.port)}; echo done`)).toBe('done\n')
  })

  test('reaches nothing link-local, where clouds keep a machine’s credentials', async () => {
    await using holders = holdersWith()
    await using holder = await holders.take(idle())
    const said = await inside(holder, 'nc -w 2 169.254.169.254 80; nc -w 2 169.254.7.7 80')
    expect(said.match(/No route to host|Host is unreachable/g)).toHaveLength(2)
  })

  test.skipIf(!python)('is closed for sockets that ask for no route, too', async () => {
    await using server = await listening()
    const machine = [...(await ownAddresses()), '169.254.169.254']
    const connectFrom = async (holder: Holder) => {
      const { State } = await holder.container.inspect()
      const program = [
        '-t',
        String(State.Pid),
        '-n',
        'python3',
        '-c',
        CONNECT,
        String(server.port),
        ...machine,
      ]
      return (await run('nsenter', program)).stdout
    }
    await using open = holdersWith('all')
    await using free = await open.take(idle())
    expect(await connectFrom(free)).toContain("b'eth0' reached")
    await using holders = holdersWith()
    await using holder = await holders.take(idle())
    expect(await connectFrom(holder)).toBe('')
  })

  test('cannot be opened from inside', async () => {
    await using holders = holdersWith()
    await using holder = await holders.take(idle())
    const said = await inside(
      holder,
      'ip route del unreachable 169.254.0.0/16; ip route | grep -c unreachable; arp -d 169.254.169.254',
    )
    expect(said.match(/not permitted/g)?.length).toBeGreaterThan(0)
    expect(Number(/^\d+$/m.exec(said)?.[0])).toBeGreaterThan(2)
  })

  test('has no IPv6 by which a wall could be passed', async () => {
    await using holders = holdersWith()
    await using holder = await holders.take(idle())
    expect(await inside(holder, 'grep -v " lo$" /proc/net/if_inet6; echo done')).toBe('done\n')
  })

  test.skipIf(process.getuid?.() !== 0)(
    'reaches the world beyond the machine, by name and by address',
    async () => {
      await using world = await outerWorld()
      await using holders = holdersWith()
      await using holder = await holders.take(idle())
      expect(await inside(holder, `nc -w 5 ${world.address} 9000 </dev/null`)).toBe('hello\n')
      expect(await inside(holder, 'nslookup nobody.invalid')).toContain('127.0.0.11')
    },
  )

  test('keeps open what the operator allows', async () => {
    await using server = await listening()
    const [first = '', second = ''] = await ownAddresses()
    await using holders = holdersWith(`${first}/32, 169.254.169.254`)
    await using holder = await holders.take(idle())
    expect(await inside(holder, tries([first, second], server.port))).toBe(`reached ${first}\n`)
    expect(await inside(holder, 'ip route')).toMatch(/^169\.254\.169\.254 via/m)
  })

  test('is closed for the addresses of networks that come later', async () => {
    await using server = await listening()
    await using holders = holdersWith()
    await using holder = await holders.take(idle())
    let gateway = ''
    const made = (address: string) => holders.closeAlso((gateway = address))
    await using _network = await makeNetwork({ ...facts(), made })
    expect(gateway).toMatch(/^\d+\.\d+\.\d+\.\d+$/)
    expect(await inside(holder, `${tries([gateway], server.port)}; ip route`)).toContain(
      `unreachable ${gateway}`,
    )
  })

  test('on a run’s own network is found by its name', async () => {
    await using holders = holdersWith()
    await using network = await makeNetwork(facts())
    await using db = await holders.on(network.name, 'db', idle())
    await using job = await holders.on(network.name, null, idle())
    const serving = inside(db, 'echo served | nc -l -p 5432')
    await until(async () => (await inside(job, 'nc -w 2 db 5432 </dev/null')).includes('served'))
    await serving
  })

  test('lies ready after the first one was asked for, and is used by one run only', async () => {
    await using holders = holdersWith('', 2)
    await using first = await holders.take(idle())
    await until(() => holders.ready === 2)
    await using second = await holders.take(idle())
    expect(second.id).not.toBe(first.id)
    await until(() => holders.ready === 2)
  })
})

/** A machine beyond the engine's: a namespace of its own behind a wire, that says hello at port 9000. */
async function outerWorld() {
  const name = `tkt${process.pid % 100_000}`
  const sh = (script: string) => run('sh', ['-ec', script])
  await sh(`
    ip netns add ${name}
    ip link add ${name}a type veth peer name ${name}b netns ${name}
    ip addr add 198.51.100.1/30 dev ${name}a
    ip link set ${name}a up
    ip -n ${name} addr add 198.51.100.2/30 dev ${name}b
    ip -n ${name} link set ${name}b up
    ip -n ${name} route add default via 198.51.100.1`)
  const server = execFile('ip', [
    'netns',
    'exec',
    name,
    'sh',
    '-c',
    'while :; do echo hello | busybox nc -l -p 9000; done',
  ])
  const dispose = async () => {
    server.kill('SIGKILL')
    await sh(
      `ip netns pids ${name} | xargs -r kill -9; ip netns del ${name}; ip link del ${name}a 2>/dev/null || :`,
    )
  }
  return { address: '198.51.100.2', [Symbol.asyncDispose]: dispose }
}
