import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { type Clone, cloneOf } from '../support/repository.ts'
import { until } from '../support/until.ts'

const LINES = 60
/** Numbered lines with a little time between them, so that a kill falls into the middle of one. */
const COUNT = `i=0; while [ $i -lt ${LINES} ]; do i=$((i+1)); echo "line $i"; sleep 0.02; done`
const CHAIN = ['one', 'two', 'three']
const FILE = `jobs:
  one: { image: "takt-demo:1", run: '${COUNT}' }
  two: { image: "takt-demo:1", needs: one, run: '${COUNT}' }
  three: { image: "takt-demo:1", needs: two, run: '${COUNT}' }
`
const EXPECTED = Array.from({ length: LINES }, (_, index) => `line ${index + 1}`)

type Machine = AsyncDisposable & {
  readonly dataDir: string
  ask(path: string): Promise<ReturnType<typeof JSON.parse>>
  pidOf(what: Victim): Promise<number>
  clone(): Promise<Clone>
}
type Victim = 'server' | 'runner' | 'postgres'

/** `takt up` as a newcomer starts it, with a data directory of its own. */
async function machine(engine: string): Promise<Machine> {
  const dataDir = await mkdtemp(join(tmpdir(), 'takt-whole-'))
  await chmod(dataDir, 0o755)
  const port = await freePort()
  const env = {
    PATH: process.env['PATH'],
    HOME: dataDir,
    TAKT_DATA: dataDir,
    TAKT_PORT: String(port),
    TAKT_ENGINE: engine,
    TAKT_SLOTS: '2',
    TAKT_DEMO: 'off',
  }
  const up = spawn(process.execPath, ['server/command/takt.ts', 'up'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = saidBy(up)
  await until(() => said().includes('Takt is up.'), { withinMs: 60_000 })
  const url = `http://127.0.0.1:${port}`
  const token = (await readFile(join(dataDir, 'token'), 'utf8')).trim()
  const authorization = `Bearer ${token}`
  return {
    dataDir,
    async ask(path) {
      const response = await fetch(url + path, { headers: { authorization } })
      if (!response.ok) throw new Error(`${path}: ${response.status}`)
      return response.json()
    },
    async pidOf(what) {
      if (what === 'postgres')
        return Number(
          (await readFile(join(dataDir, 'postgres/cluster/postmaster.pid'), 'utf8')).split('\n')[0],
        )
      const { children } = JSON.parse(await readFile(join(dataDir, 'up.json'), 'utf8')) as {
        children: { pid: number }[]
      }
      const program = what === 'server' ? 'takt.ts\0server' : 'runner/main.ts'
      for (const { pid } of children) {
        if ((await readFile(`/proc/${pid}/cmdline`, 'utf8')).includes(program)) return pid
      }
      throw new Error(`no ${what} among ${JSON.stringify(children)}`)
    },
    async clone() {
      const response = await fetch(`${url}/api/v1/projects`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'shop' }),
      })
      if (!response.ok) throw new Error(await response.text())
      return cloneOf(`${url.replace('://', `://x:${token}@`)}/git/shop.git`)
    },
    async [Symbol.asyncDispose]() {
      const postgres = await realpath(join(dataDir, 'postgres'))
      up.kill('SIGTERM')
      await once(up, 'exit')
      if (postgres.startsWith('/var/lib/takt/')) await rm(dirname(postgres), { recursive: true, force: true })
      await rm(dataDir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function saidBy(child: ChildProcess): () => string {
  let said = ''
  for (const out of [child.stdout, child.stderr])
    out?.on('data', (words: Buffer) => (said += words.toString()))
  return () => said
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

type Run = { id: number; job: string; state: string; attempt: number; inputs: { version: string }[] }
const runsOf = async (house: Machine): Promise<Run[]> =>
  (await house.ask('/api/v1/runs?limit=200')).items.toReversed()

/** Wait until a job of the chain is in the middle of its output. */
const inTheMiddleOf = (house: Machine, job: string) =>
  until(
    async () => {
      const run = (await runsOf(house)).find((each) => each.job === job && each.state === 'running')
      if (!run) return false
      const { lines } = await house.ask(`/api/v1/runs/${run.id}/log?as=json&limit=5000`)
      return lines.some((line: { step: number }) => line.step === 1)
    },
    { withinMs: 60_000 },
  )

const engines = [
  ['local', ''],
  [
    'docker',
    process.env['TAKT_TEST_DOCKER'] === '1'
      ? ''
      : ` (skipped: ${process.env['TAKT_TEST_DOCKER_WHY'] ?? 'run by npm test, which looks for an engine'})`,
  ],
] as const
const victims: readonly (readonly [Victim, string])[] = [
  ['server', 'one'],
  ['runner', 'two'],
  ['postgres', 'two'],
  ['server', 'three'],
]

for (const [engine, skipped] of engines) {
  test.skipIf(skipped !== '').for(victims)(
    `on ${engine}${skipped}: %s killed with -9 in the middle of job %s: each job is green once, and its log exact`,
    { timeout: 180_000 },
    async ([victim, job]) => {
      await using house = await machine(engine)
      await using clone = await house.clone()
      const sha = await clone.push({ '.takt.yml': FILE })
      await inTheMiddleOf(house, job)
      process.kill(await house.pidOf(victim), 'SIGKILL')

      const runs = await until(
        async () => {
          const all = await runsOf(house)
          return all.some((run) => run.job === 'three' && run.state === 'succeeded') && all
        },
        { withinMs: 120_000 },
      )
      expect(runs.map((run) => `${run.job} ${run.state}`)).toEqual(CHAIN.map((name) => `${name} succeeded`))
      expect(new Set(runs.map((run) => run.inputs[0]!.version))).toEqual(new Set([sha]))
      const attempts = runs.map((run) => run.attempt)
      // a dead runner costs its run an attempt; a dead server or database costs nobody anything
      expect(attempts).toEqual(CHAIN.map((name) => (victim === 'runner' && name === job ? 2 : 1)))
      for (const run of runs) {
        const { lines } = await house.ask(`/api/v1/runs/${run.id}/log?as=json&limit=5000`)
        expect(
          lines
            .filter((line: { step: number }) => line.step === 1)
            .map((line: { text: string }) => line.text),
        ).toEqual(EXPECTED)
      }
      expect((await house.ask('/api/v1/deliveries')).items).toHaveLength(1)
    },
  )
}

test(
  'everything killed at once: the next start heals, and the line goes on',
  { timeout: 180_000 },
  async () => {
    await using house = await machine('local')
    await using clone = await house.clone()
    await clone.push({ '.takt.yml': FILE })
    await inTheMiddleOf(house, 'one')
    const pids = await Promise.all(
      (['runner', 'server', 'postgres'] as const).map((victim) => house.pidOf(victim)),
    )
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    const runs = await until(
      async () => {
        const all = await runsOf(house)
        return all.some((run) => run.job === 'three' && run.state === 'succeeded') && all
      },
      { withinMs: 120_000 },
    )
    expect(runs.map((run) => `${run.job} ${run.state}`)).toEqual(CHAIN.map((name) => `${name} succeeded`))
  },
)
