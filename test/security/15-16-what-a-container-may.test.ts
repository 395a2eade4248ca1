import { expect, test } from 'vitest'
import { parseForRunning } from '#pipelines/language/parse.ts'
import { type Allowed, createContainer } from '../../runner/docker/door.ts'
import { workConfig } from '../../runner/docker/host-config.ts'
import { mayBePrivileged } from '../../runner/docker/privileged.ts'

// As the engine inspects it: test/engines/engine-docker.test.ts; by the digest that an operator named: test/engines/privileged.test.ts.

const limits = { cpus: 2, memoryBytes: 2 ** 30, pids: 100 }
const volume = { name: 'takt-1-1-abc', target: '/takt', labels: {} }
const facts = { limits, runtime: null, holder: 'a'.repeat(64), volume, privileged: false }

/** What the engine is asked for, of a container that a run's commands live in. */
async function asked(changes: object = {}) {
  const seen: { HostConfig?: object } = {}
  const docker = { createContainer: async (options: object) => Object.assign(seen, options) }
  const config = { ...workConfig(facts).config, ...changes } as Allowed
  await createContainer(docker as never, 'work', { Image: 'x', HostConfig: config })
  return seen.HostConfig
}

test('16: a container has no capability to speak of, no new privileges, limits, and a network of its own', async () => {
  expect(await asked()).toMatchObject({
    ...{ Privileged: false, CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges'], PidsLimit: 100 },
    ...{ Memory: 2 ** 30, NetworkMode: `container:${'a'.repeat(64)}` },
  })
})

const SMUGGLED: readonly object[] = [
  { Binds: ['/var/run/docker.sock:/var/run/docker.sock'] },
  { Mounts: [{ Type: 'bind', Source: '/var/run/docker.sock', Target: '/s' }] },
  { Privileged: true },
  { PidMode: 'host' },
  { IpcMode: 'host' },
  { UsernsMode: 'host' },
  { NetworkMode: 'host' },
  { VolumesFrom: ['other'] },
  { Devices: [{ PathOnHost: '/dev/sda' }] },
  { CapAdd: ['SYS_ADMIN'] },
  { SecurityOpt: ['seccomp=unconfined'] },
]
test.each(SMUGGLED)('15, 16: no container is asked for with %j', async (changes) => {
  await expect(asked(changes)).rejects.toThrow()
})

test.each([
  'privileged: true',
  'cap_add: [SYS_ADMIN]',
  'volumes: [/:/host]',
  'network: host',
  'devices: [/dev/kvm]',
])('16: a file that says %s of a job is no good file', (line) => {
  const { diagnostics } = parseForRunning(`jobs:\n  a:\n    run: x\n    ${line}\n`)
  expect(diagnostics).toMatchObject([{ severity: 'error', rule: 'unknown-key' }])
})

test('16: powers of root are given to the very digest that an operator named, and never to a pull request', () => {
  const image = `docker.io/library/dind@sha256:${'d1'.repeat(32)}`
  const may = (changes: object) => mayBePrivileged({ image, lane: 'main', trusted: [image], ...changes })
  expect(may({})).toBe(true)
  for (const other of [
    { lane: 'pr/1' },
    { image: 'dind:27' },
    { trusted: [] },
    { image: image.replace('d1', 'd2') },
  ])
    expect(may(other)).toBe(false)
})
