import { readdir, readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAllowed, addressesIn, wallsAround } from '../../runner/docker/addresses.ts'
import { type Allowed, createContainer, type Purpose } from '../../runner/docker/door.ts'
import {
  gateConfig,
  holderConfig,
  insideConfig,
  lookConfig,
  workConfig,
} from '../../runner/docker/host-config.ts'
import { clamped, limitsInWords, maximaOf } from '../../runner/docker/limits.ts'
import { mayBePrivileged } from '../../runner/docker/privileged.ts'

const HOLDER = 'a'.repeat(64)
const limits = { cpus: 2, memoryBytes: 2 ** 30, pids: 100 }
const volume = { name: 'takt-1-1-abc', target: '/takt', labels: {} }
const work = () => workConfig({ limits, runtime: null, holder: HOLDER, volume, privileged: false }).config

/** Every key that Takt ever sends in a HostConfig. */
const KEYS = [
  ...['CgroupParent', 'PidMode'],
  ...['CapAdd', 'CapDrop', 'Init', 'LogConfig', 'Memory', 'MemorySwap', 'Mounts', 'NanoCpus', 'NetworkMode'],
  ...[
    'PidsLimit',
    'Privileged',
    'ReadonlyPaths',
    'ReadonlyRootfs',
    'RestartPolicy',
    'Runtime',
    'SecurityOpt',
  ],
]

/** What the engine would have been asked for, or the refusal. */
async function asked(config: object, purpose: Purpose = 'work') {
  const seen: { HostConfig?: object } = {}
  const docker = { createContainer: async (options: object) => Object.assign(seen, options) }
  await createContainer(docker as never, purpose, { Image: 'x', HostConfig: config as Allowed })
  return seen.HostConfig
}

describe('what the engine is asked for', () => {
  test('is what is on the list, for every purpose and whatever the numbers are', async () => {
    const positive = fc.integer({ min: 1, max: 2 ** 40 })
    const facts = fc.record({
      limits: fc.record({ cpus: fc.integer({ min: 1, max: 999 }), memoryBytes: positive, pids: positive }),
      runtime: fc.constantFrom(null, 'crun' as const),
      privileged: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(facts, async (given) => {
        const { purpose, config } = workConfig({ ...given, holder: HOLDER, volume })
        for (const [name, each] of [
          [purpose, config],
          ['holder', holderConfig('takt', given.runtime)],
          ['gate', gateConfig(HOLDER, 'takt', given.runtime)],
          ['inside', insideConfig(given, true)],
          ['look', lookConfig(given.runtime)],
        ] as const) {
          const sent = await asked(each, name)
          expect(KEYS).toEqual(expect.arrayContaining(Object.keys(sent ?? {})))
        }
      }),
    )
  })

  test.each([
    ['Binds', ['/:/host']],
    ['Devices', [{ PathOnHost: '/dev/sda' }]],
    ['PidMode', 'host'],
    ['IpcMode', 'host'],
    ['UsernsMode', 'host'],
    ['CgroupParent', '/'],
    ['VolumesFrom', ['other']],
    ['ExtraHosts', ['db:10.0.0.1']],
    ['Sysctls', { 'net.ipv4.ip_forward': '1' }],
    ['PublishAllPorts', true],
    ['AnyNewKeyOfTheEngine', 1],
  ])('is refused where it has the key %s', async (key, value) => {
    await expect(asked({ ...work(), [key]: value })).rejects.toThrow(key)
  })

  test.each([
    ['Privileged', true],
    ['CapAdd', ['SYS_ADMIN']],
    ['CapAdd', ['NET_ADMIN']],
    ['CapAdd', ['NET_RAW']],
    ['CapDrop', []],
    ['SecurityOpt', ['seccomp=unconfined']],
    ['NetworkMode', 'host'],
    ['NetworkMode', 'bridge'],
    ['NetworkMode', 'container:db'],
    ['Runtime', 'other'],
    ['Memory', 0],
    ['PidsLimit', -1],
    ['Mounts', [{ Type: 'bind', Source: '/', Target: '/host' }]],
    ['Mounts', [{ Type: 'volume', Source: '/var/run', Target: '/takt' }]],
    ['Mounts', [{ Type: 'volume', Source: 'somebodys', Target: '/takt' }]],
  ])('is refused where %s is %j', async (key, value) => {
    await expect(asked({ ...work(), [key]: value })).rejects.toThrow()
  })

  test('for a volume holds no driver options, which could mount anything', async () => {
    const { Mounts, ...rest } = work() as Extract<Allowed, { Mounts: unknown }>
    const [mount] = Mounts
    const Options = { type: 'none', device: '/', o: 'bind' }
    const VolumeOptions = { ...mount!.VolumeOptions, DriverConfig: { Name: 'local', Options } }
    await expect(asked({ ...rest, Mounts: [{ ...mount!, VolumeOptions }] })).rejects.toThrow('type')
  })

  test('passes one door: nothing else in the runner creates containers', async () => {
    const folder = new URL('../../runner/', import.meta.url)
    const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.ts'))
    const creating = []
    for (const name of files)
      if (/\.createContainer\(|containers\/create/.test(await readFile(new URL(name, folder), 'utf8')))
        creating.push(name)
    expect(creating).toEqual(['docker/door.ts'])
  })
})

describe('the powers of root', () => {
  const image = `acme/builder@sha256:${'0'.repeat(64)}`
  test('are for images that the operator named by their digest, and for nobody’s pull request', () => {
    const trusted = [image, 'acme/builder:1']
    expect(mayBePrivileged({ image, lane: 'main', trusted })).toBe(true)
    expect(mayBePrivileged({ image, lane: 'pr/7', trusted })).toBe(false)
    expect(mayBePrivileged({ image: image.replace('0', '1'), lane: 'main', trusted })).toBe(false)
    expect(mayBePrivileged({ image: 'acme/builder', lane: 'main', trusted })).toBe(false)
    expect(mayBePrivileged({ image: 'acme/builder:1', lane: 'main', trusted })).toBe(false)
    expect(mayBePrivileged({ image, lane: 'main', trusted: [] })).toBe(false)
  })
})

describe('the limits of a run', () => {
  const machine = { cpus: 4, memoryBytes: 8 * 2 ** 30 }
  test('are what its job asks for, up to what the operator gives, up to what the machine has', () => {
    const asks = { cpus: 64, memoryBytes: 2 ** 40, pids: 10_000 }
    expect(clamped(limits, maximaOf({}, machine))).toEqual(limits)
    expect(clamped(asks, maximaOf({ cpus: 2, pids: 500 }, machine))).toEqual({
      cpus: 2,
      memoryBytes: 8 * 2 ** 30,
      pids: 500,
    })
    expect(clamped(asks, maximaOf({ cpus: 99 }, machine)).cpus).toBe(4)
  })

  test('are never so small that no command could begin', () => {
    const asks = { cpus: 1, memoryBytes: 2 ** 20, pids: 1 }
    const given = clamped(asks, maximaOf({}, machine))
    expect(given).toEqual({ cpus: 1, memoryBytes: 6 * 2 ** 20, pids: 16 })
    expect(limitsInWords(asks, given)).toBe(
      'Limits: 1 CPU, 6 MiB of memory, 16 processes (the job asks for 1 CPU, 1 MiB, 1 processes; nothing runs in less)\n',
    )
  })

  test('are said in words, and why they are less than asked for', () => {
    expect(limitsInWords(limits, limits)).toBe('Limits: 2 CPU, 1 GiB of memory, 100 processes\n')
    expect(limitsInWords(limits, { ...limits, cpus: 1 })).toBe(
      'Limits: 1 CPU, 1 GiB of memory, 100 processes (the job asks for 2 CPU, 1 GiB, 100 processes; this runner gives no more)\n',
    )
  })
})

describe('the walls of a run’s network', () => {
  const TRIE = `Main:
  +-- 0.0.0.0/0 3 0 5
           |-- 127.0.0.1
              /32 host LOCAL
              |-- 172.17.0.0
                 /16 link UNICAST
              |-- 172.17.0.1
                 /32 host LOCAL
              |-- 172.17.255.255
                 /32 link BROADCAST
Local:
           |-- 10.0.0.5
              /32 host LOCAL
           |-- 172.17.0.1
              /32 host LOCAL
`
  test('stand around every address the machine has, once', () => {
    expect(addressesIn(TRIE)).toEqual(['10.0.0.5', '172.17.0.1'])
  })

  test('close the link-local range too, and leave out what the operator allows', () => {
    const walls = (text: string) => wallsAround(['10.0.0.5', '172.17.0.1'], parseAllowed(text)!)
    const link = ['169.254.169.254', '169.254.0.0/16']
    expect(walls('').closed).toEqual(['10.0.0.5', '172.17.0.1', ...link])
    expect(walls('10.0.0.0/8').closed).toEqual(['172.17.0.1', ...link])
    expect(walls('169.254.169.254')).toMatchObject({
      closed: ['10.0.0.5', '172.17.0.1', '169.254.0.0/16'],
      open: ['169.254.169.254/32'],
    })
    expect(walls('169.254.0.0/16')).toMatchObject({ closed: ['10.0.0.5', '172.17.0.1'], open: [] })
    expect(walls('0.0.0.0/0').closed).toEqual([])
    expect(walls('all').closed).toEqual([])
  })

  test('are refused where what is allowed is no address', () => {
    for (const text of ['x', '10.0.0', '10.0.0.1/33', '10.0.0.1/', '::1', 'all,10.0.0.1', '10.0.0.1/8/8'])
      expect(parseAllowed(text), text).toBeNull()
  })
})
