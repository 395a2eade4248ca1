import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { startEmbedded } from '../../server/db/embedded.ts'
import { canReach } from '../../server/db/embedded-home.ts'
import { until } from '../support/until.ts'

const MODULE = fileURLToPath(new URL('../../server/db/embedded.ts', import.meta.url))
const isRoot = process.getuid?.() === 0
const NOBODY = { name: 'nobody', uid: 65_534, gid: 65_534 }
const nobodyMayRunUs =
  isRoot && (await canReach(dirname(MODULE), NOBODY)) && (await canReach(process.execPath, NOBODY))

/** A data directory that leaves nothing behind: no process, no file, here or in the system's place. */
async function dataDirectory({ mode = 0o755, name = 'data' } = {}) {
  const outer = await mkdtemp(join(tmpdir(), 'takt-embedded-'))
  await chmod(outer, mode)
  const path = join(outer, name)
  await mkdir(path)
  const clear = async () => {
    const place = await realpath(join(path, 'postgres')).catch(() => null)
    const cluster = join(place ?? path, 'cluster')
    if ((await processesOf(cluster)).length > 0) process.kill(await postmasterPid(cluster), 'SIGINT')
    await until(async () => (await processesOf(cluster)).length === 0)
    if (place?.startsWith('/var/lib/takt/')) await rm(dirname(place), { recursive: true })
    await rm(outer, { recursive: true, force: true })
  }
  return { path, cluster: join(path, 'postgres', 'cluster'), [Symbol.asyncDispose]: clear }
}

const socketOf = (url: string) =>
  decodeURIComponent(new URL(url.replace('@/', '@local/')).searchParams.get('host')!)

function teller() {
  const told: { name: string; origin?: string; pid?: number }[] = []
  const tell = (fields: object, name?: string) => void told.push({ ...fields, name: name ?? '' })
  return { told, log: { info: tell, warn: tell } as unknown as Parameters<typeof startEmbedded>[1]['log'] }
}

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {}) // a killed server breaks connections; the next question opens another
  await client.connect()
  try {
    return (await client.query(sql)).rows as Record<string, unknown>[]
  } finally {
    await client.end()
  }
}

async function processesOf(cluster: string): Promise<number[]> {
  const real = await realpath(cluster).catch(() => cluster)
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0)
  const inside = await Promise.all(
    pids.map(
      async (pid) => (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === real && (await isPostgres(pid)),
    ),
  )
  return pids.filter((_, index) => inside[index])
}

const isPostgres = async (pid: number) =>
  (await readlink(`/proc/${pid}/exe`).catch(() => '')).endsWith('/postgres')
const postmasterPid = async (cluster: string) =>
  Number((await readFile(join(cluster, 'postmaster.pid'), 'utf8')).split('\n')[0])

/** A server process that starts the database and then only waits to be killed. */
async function otherServer(dataDir: string, as?: { uid: number; gid: number }) {
  const code = `
    import { startEmbedded } from ${JSON.stringify(MODULE)}
    const nothing = () => {}
    const running = await startEmbedded(${JSON.stringify(dataDir)}, { log: { info: nothing, warn: nothing } })
    console.log(running.url)
    process.on('SIGTERM', () => running.stop().then(() => process.exit()))
    setInterval(nothing, 60_000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: '/',
    ...as,
  })
  const died = once(child, 'exit').then(() => Promise.reject(new Error('the other server died')))
  const [url] = (await Promise.race([once(createInterface(child.stdout!), 'line'), died])) as [string]
  died.catch(() => {}) // from here on it is meant to
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await once(child, 'exit')
  }
  return { url, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') }
}

test('a first start makes the database, and a later one finds what was written', async () => {
  await using data = await dataDirectory()
  const { log } = teller()
  {
    await using first = await startEmbedded(data.path, { log })
    const [facts] = await ask(
      first.url,
      `select current_setting('server_encoding') as encoding, 'a' < 'B' as by_language`,
    )
    expect(facts).toEqual({ encoding: 'UTF8', by_language: false })
    await ask(first.url, 'create table kept as select 1 as one')
  }
  expect(await processesOf(data.cluster)).toEqual([])
  await using second = await startEmbedded(data.path, { log })
  expect(await ask(second.url, 'select one from kept')).toEqual([{ one: 1 }])
})

test('nobody can reach it over the network, and only its owner through the socket', async () => {
  await using data = await dataDirectory()
  await using running = await startEmbedded(data.path, { log: teller().log })
  expect(await ask(running.url, `select current_setting('listen_addresses') as tcp`)).toEqual([{ tcp: '' }])
  expect((await stat(socketOf(running.url))).mode & 0o777).toBe(0o700)
})

test('a PostgreSQL that a killed server left running is taken over, and started again when it dies', async () => {
  await using data = await dataDirectory()
  const killed = await otherServer(data.path)
  await ask(killed.url, 'create table kept as select 1 as one')
  const pid = await postmasterPid(data.cluster)
  await killed.kill()

  const { told, log } = teller()
  await using running = await startEmbedded(data.path, { log })
  expect(told).toEqual([{ name: 'database.started', origin: 'adopted', pid }])

  process.kill(pid, 'SIGKILL')
  await until(() => told.length === 3)
  expect(told.slice(1).map(({ name, origin }) => [name, origin])).toEqual([
    ['database.died', undefined],
    ['database.started', 'started'],
  ])
  expect(await ask(running.url, 'select one from kept')).toEqual([{ one: 1 }])
})

test('a killed PostgreSQL comes back with everything that was committed, again and again', async () => {
  await using data = await dataDirectory()
  const { told, log } = teller()
  await using running = await startEmbedded(data.path, { log })
  await ask(running.url, 'create table kept (n int)')
  for (const n of [1, 2, 3]) {
    await ask(running.url, `insert into kept values (${n})`)
    const busy = ask(running.url, 'select count(*) from generate_series(1, 1000000000)').catch(
      () => 'cut off',
    )
    await until(async () => (await processesOf(data.cluster)).length > 6)
    process.kill(await postmasterPid(data.cluster), 'SIGKILL')
    await until(() => told.length === 1 + 2 * n)
    expect(await ask(running.url, 'select count(*)::int as n from kept')).toEqual([{ n }])
    expect(await busy).toBe('cut off')
  }
})

test('after the whole machine stopped, a number that somebody else has now is not mistaken for PostgreSQL', async () => {
  await using data = await dataDirectory()
  const { log } = teller()
  await (await startEmbedded(data.path, { log })).stop()
  const { uid, gid } = await stat(data.cluster)
  const stranger = spawn('sleep', ['60'], isRoot ? { uid, gid, stdio: 'ignore' } : { stdio: 'ignore' })
  const lines = [stranger.pid, await realpath(data.cluster), 1, 5432, '/nowhere', '', '1 1', 'ready']
  await writeFile(join(data.cluster, 'postmaster.pid'), `${lines.join('\n')}\n`)
  await using running = await startEmbedded(data.path, { log })
  expect(await ask(running.url, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(stranger.exitCode).toBeNull()
  stranger.kill()
})

test('a database that was only half made is made anew', async () => {
  await using data = await dataDirectory()
  await mkdir(`${data.cluster}.new-999999999`, { recursive: true, mode: 0o700 })
  await writeFile(join(`${data.cluster}.new-999999999`, 'PG_VERSION'), '18\n')
  await using running = await startEmbedded(data.path, { log: teller().log })
  expect(await ask(running.url, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(await readdir(dirname(data.cluster))).toEqual(['cluster', 'socket'])
})

test.each([1, 2, 3])('two servers that start at once share one PostgreSQL (%i)', async () => {
  await using data = await dataDirectory()
  const { log } = teller()
  const [one, other] = await Promise.all([otherServer(data.path), startEmbedded(data.path, { log })])
  await ask(one.url, 'create table shared as select 7 as seven')
  expect(await ask(other.url, 'select seven from shared')).toEqual([{ seven: 7 }])
  await one.kill()
  await other.stop()
  expect(await processesOf(data.cluster)).toEqual([])
})

test('a database of another major version is refused in words that name both', async () => {
  await using data = await dataDirectory()
  await mkdir(data.cluster, { recursive: true })
  await writeFile(join(data.cluster, 'PG_VERSION'), '15\n')
  await expect(startEmbedded(data.path, { log: teller().log })).rejects.toThrow(
    /made by PostgreSQL 15, and this Takt brings PostgreSQL 18/,
  )
})

test('a path too long for a socket is no obstacle', async () => {
  await using data = await dataDirectory({ name: 'long-'.repeat(30) })
  await using running = await startEmbedded(data.path, { log: teller().log })
  expect(await ask(running.url, 'select 1 as one')).toEqual([{ one: 1 }])
  await running.stop()
  const socket = socketOf(running.url)
  expect(socket.startsWith(data.path)).toBe(false)
  await rm(isRoot ? dirname(socket) : socket, { recursive: true })
})

test.skipIf(!isRoot)(
  'below a directory that only root may enter, root’s database lives in the system’s place',
  async () => {
    await using data = await dataDirectory({ mode: 0o700 })
    const { log } = teller()
    {
      await using running = await startEmbedded(data.path, { log })
      await ask(running.url, 'create table kept as select 1 as one')
      expect((await lstat(join(data.path, 'postgres'))).isSymbolicLink()).toBe(true)
      expect(await readlink(join(data.path, 'postgres'))).toMatch(
        /^\/var\/lib\/takt\/[0-9a-f]{12}\/postgres$/,
      )
    }
    await using again = await startEmbedded(data.path, { log })
    expect(await ask(again.url, 'select one from kept')).toEqual([{ one: 1 }])
  },
)

test.skipIf(!isRoot)('a data directory that was removed does not come back to life', async () => {
  await using data = await dataDirectory({ mode: 0o700 })
  const killed = await otherServer(data.path)
  await ask(killed.url, 'create table kept as select 1 as one')
  await killed.kill()
  const place = dirname(await readlink(join(data.path, 'postgres')))
  await rm(data.path, { recursive: true })
  await using running = await startEmbedded(data.path, { log: teller().log })
  await expect(ask(running.url, 'select one from kept')).rejects.toThrow(/"kept" does not exist/)
  await rm(`${place}.old`, { recursive: true })
})

test.skipIf(!nobodyMayRunUs)(
  'an ordinary user needs no other user and nothing outside the data directory',
  async () => {
    await using data = await dataDirectory()
    await chown(data.path, NOBODY.uid, NOBODY.gid)
    const server = await otherServer(data.path, { uid: NOBODY.uid, gid: NOBODY.gid })
    expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
    expect(await stat(data.cluster)).toMatchObject({ uid: NOBODY.uid })
    await server.stop()
    expect(await processesOf(data.cluster)).toEqual([])
  },
)

test.skipIf(!nobodyMayRunUs)('a data directory of another user is refused in words', async () => {
  await using data = await dataDirectory()
  await using running = await startEmbedded(data.path, { log: teller().log })
  await running.stop()
  const code = `import { startEmbedded } from ${JSON.stringify(MODULE)}
    await startEmbedded(${JSON.stringify(data.path)}, { log: {} }).catch((error) => console.log(error.message))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    uid: 1,
    gid: 1,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [words] = (await once(createInterface(child.stdout!), 'line')) as [string]
  expect(words).toMatch(/belongs to the user with id \d+, not to 1: run Takt as its owner/)
})
