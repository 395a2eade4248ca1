import { type ChildProcess, execFile } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readdir, readFile, readlink, realpath, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { outcomeOf, scratch, startTakt, takt } from './run-takt.ts'

const PATIENCE = { withinMs: 45_000 }
const running: ChildProcess[] = []
afterEach(() => running.splice(0).forEach((child) => child.kill('SIGKILL')))

/** A data directory, a port, and what `up` says while it lives; whatever a test leaves running is ended. */
async function machine() {
  const place = await scratch()
  await chmod(place.path, 0o755)
  const dataDir = join(place.path, 'data')
  await mkdir(dataDir)
  const port = await freePort()
  const env = {
    ...{ TAKT_DATA: dataDir, TAKT_PORT: String(port), TAKT_URL: '', TAKT_ENGINE: 'local', TAKT_SLOTS: '2' },
    ...{ HOME: place.path, GIT_CONFIG_NOSYSTEM: '1' },
  }
  const clear = async () => {
    const children = await childrenOf(dataDir)
    for (const pid of children) end(-pid, 'SIGKILL')
    const pidFile = await readFile(join(dataDir, 'postgres/cluster/postmaster.pid'), 'utf8').catch(() => '')
    if (pidFile) end(Number(pidFile.split('\n')[0]), 'SIGQUIT')
    const postgres = await realpath(join(dataDir, 'postgres')).catch(() => '')
    if (postgres.startsWith('/var/lib/takt/')) await rm(dirname(postgres), { recursive: true, force: true })
    await until(() => rm(place.path, { recursive: true, force: true }).then(() => true))
  }
  return { ...place, dataDir, port, env, [Symbol.asyncDispose]: clear }
}

function end(pid: number, signal: NodeJS.Signals) {
  try {
    process.kill(pid, signal)
  } catch {
    // already gone, which is what a test wants in the end
  }
}

async function childrenOf(dataDir: string): Promise<number[]> {
  const text = await readFile(join(dataDir, 'up.json'), 'utf8').catch(() => '{"children":[]}')
  return (JSON.parse(text) as { children: { pid: number }[] }).children.map(({ pid }) => pid)
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  return port
}

function startUp(env: Record<string, string>) {
  const child = startTakt(['up'], { env })
  running.push(child)
  const said = { out: '', err: '' }
  child.stdout!.on('data', (text) => (said.out += String(text)))
  child.stderr!.on('data', (text) => (said.err += String(text)))
  const exit = once(child, 'exit').then(([code]) => code as number | null)
  const ready = () =>
    until(() => said.out.includes('Takt is up.') || (child.exitCode !== null && said.err), PATIENCE)
  return { child, said, exit, ready }
}

/** Processes, other than zombies, that work with this data directory by their environment. */
async function processesOn(dataDir: string): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0 && pid !== process.pid)
  const mine = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '')
      return environment.includes(`TAKT_DATA=${dataDir}\0`) || cwd.startsWith(dataDir)
    }),
  )
  return pids.filter((_, index) => mine[index])
}

test('from nothing to a green run of one’s own commit by what the banner says, and down to nothing again', async () => {
  await using here = await machine()
  const up = startUp(here.env)
  await up.ready()
  expect(up.said.out).toMatch(/Dashboard {2}http:\/\/127\.0\.0\.1:\d+\/login#/)
  expect(up.said.out).toMatch(/There is no isolation: jobs run as plain processes as user /)
  expect(up.said.out).toContain(here.dataDir)

  const steps = [...up.said.out.matchAll(/^ {2}\d\. (.*?)( {2,}\(.*)?$/gm)].map(([, step]) => step)
  const pasted = `cd ${here.path}\n${steps.join('\n')}\ngit rev-parse HEAD`
  const { stdout } = await promisify(execFile)('sh', ['-ec', pasted], {
    env: { ...here.env, PATH: process.env['PATH'] },
  })
  const commit = stdout.trim().split('\n').at(-1)!
  const runsOfIt = async () => {
    const { out } = await takt(['runs', 'list', '--json'], { env: here.env })
    const { items } = JSON.parse(out) as { items: { state: string; inputs: { version: string }[] }[] }
    return items.filter(({ inputs }) => inputs.some(({ version }) => version === commit))
  }
  await until(async () => (await runsOfIt()).some(({ state }) => state === 'succeeded'), PATIENCE)

  up.child.kill('SIGINT')
  expect(await up.exit).toBe(0)
  expect(await processesOn(here.dataDir)).toEqual([])
  expect(await readdir(here.dataDir)).not.toContain('up.json')
}, 120_000)

test('a server or a runner that is killed is started again, and said so', async () => {
  await using here = await machine()
  const up = startUp(here.env)
  await up.ready()
  const [server, runner] = await childrenOf(here.dataDir)
  for (const [name, pid] of [
    ['server', server!],
    ['runner', runner!],
  ] as const) {
    process.kill(pid, 'SIGKILL')
    await until(() => up.said.err.includes(`the ${name} is back`), PATIENCE)
    expect(up.said.err).toMatch(new RegExp(`the ${name} ended \\(SIGKILL\\); starting it again in \\d+ ms`))
  }
  const { code } = await takt(['projects', 'list'], { env: here.env })
  expect(code).toBe(0)
  up.child.kill('SIGTERM')
  expect(await up.exit).toBe(0)
  expect(await processesOn(here.dataDir)).toEqual([])
}, 120_000)

test('one `up` per data directory; after a kill the next one ends what was left and carries on', async () => {
  await using here = await machine()
  const first = startUp(here.env)
  await first.ready()
  const other = await outcomeOf(
    startTakt(['up'], { env: { ...here.env, TAKT_PORT: String(await freePort()) } }),
  )
  expect(other).toMatchObject({
    code: 2,
    err: expect.stringMatching(/Takt is up already on this data directory \(process \d+\)/),
  })

  const orphans = await childrenOf(here.dataDir)
  first.child.kill('SIGKILL')
  await first.exit
  const second = startUp(here.env)
  await second.ready()
  expect(second.said.out).toContain('Takt is up.')
  const alive = await processesOn(here.dataDir)
  expect(orphans.filter((pid) => alive.includes(pid))).toEqual([])
  second.child.kill('SIGINT')
  expect(await second.exit).toBe(0)
  expect(await processesOn(here.dataDir)).toEqual([])
}, 120_000)

test('a taken port is named before anything is started', async () => {
  await using here = await machine()
  const holder = createServer().listen(here.port, '127.0.0.1')
  await once(holder, 'listening')
  const { code, err } = await outcomeOf(startTakt(['up'], { env: here.env }))
  holder.close()
  expect({ code, err }).toEqual({
    code: 2,
    err: expect.stringMatching(/port \d+ on 127\.0\.0\.1 is taken.*TAKT_PORT=/),
  })
  expect(await readdir(here.dataDir)).toEqual([])
})

test('wrong settings are refused before anything is started', async () => {
  await using here = await machine()
  const { code, err } = await outcomeOf(
    startTakt(['up'], { env: { ...here.env, DATABASE_URL: 'mysql://x' } }),
  )
  expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(/DATABASE_URL/) })
})

test('a server that cannot start ends everything, with its own words', async () => {
  await using here = await machine()
  const env = { ...here.env, DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none' }
  const { code, err } = await outcomeOf(startTakt(['up'], { env }))
  expect(code).toBe(1)
  expect(err).toMatch(/the server did not start:[^]*ECONNREFUSED[^]*Its log: /)
  expect(await processesOn(here.dataDir)).toEqual([])
})

test('a log in JSON is shown to people in words', async () => {
  const line = (fields: object) => `${JSON.stringify(fields)}\n`
  await using here = await scratch()
  const { lastWords } = await import('../../server/command/log-file.ts')
  const path = join(here.path, 'a.log')
  await writeFile(
    path,
    `${line({ msg: 'old' })}${line({ msg: 'x', err: { message: 'the disk is full' } })}plain words\n`,
  )
  expect(await lastWords({ path, from: line({ msg: 'old' }).length })).toBe('the disk is full\nplain words')
})
