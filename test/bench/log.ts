import { setTimeout as sleep } from 'node:timers/promises'
import { publicGit } from '../support/public-git.ts'
import { type Cost, costs, machineMs, peakBytes } from './costs.ts'
import { deliver } from './dispatch.ts'
import { docker } from './floor.ts'
import type { BenchHouse } from './house.ts'
import { block, BLOCKS, KINDS, type Kind, MAKE, SAY, SECRET } from './log-block.ts'
import { median } from './median.ts'

const ROUNDS = 7
/** What is made ready for the next run, and the rest of the round before, are over by then: they are no part of a log. */
const SETTLE_S = 2
const IMAGE = 'takt-demo:1'

type Round = { readonly takt: Cost; readonly floor: Cost; readonly parts: Readonly<Record<string, number>> }

/** A log of 100 MB through runner, server and PostgreSQL, beside the same container whose output is attached to and dropped. */
export async function measureLog(house: BenchHouse): Promise<string[]> {
  const lines: string[] = []
  for (const kind of KINDS) lines.push(...(await measureKind(house, kind)))
  lines.push(
    `the runner's memory at its most: ${Math.round((await peakBytes(house.runnerPid)) / 1e6)} MB (< 150 asked for)`,
  )
  return lines
}

async function measureKind(house: BenchHouse, kind: Kind): Promise<string[]> {
  const project = `log-${kind}`
  await using git = await publicGit(`bench-${project}`)
  await house.ask('POST /api/v1/projects', { name: project, repository: { url: git.url } })
  await house.ask(`PUT /api/v1/projects/${project}/secrets/TOKEN`, { value: SECRET })
  const hook = await house.ask(`GET /api/v1/projects/${project}/hook`)
  const file = `jobs:\n  say: { when: push, image: "${IMAGE}", secrets: [TOKEN], run: [${JSON.stringify(`${MAKE[kind]}\nsleep ${SETTLE_S}`)}, ${JSON.stringify(SAY)}] }\n`
  const rounds: Round[] = []
  for (let round = -1; round < ROUNDS; round++) {
    await sleep(SETTLE_S * 1_000)
    const floor = await bare(kind)
    const sha = await git.clone.push({ '.takt.yml': file, round: String(round) })
    await deliver(hook.url, hook.secret, sha)
    await running(house, project, sha)
    await sleep(SETTLE_S * 500)
    const begin = await costs(house)
    const machine = await machineMs()
    const run = await ended(house, project, sha)
    const end = await costs(house)
    if (round < 0) await exact(house, run.id, kind)
    else
      rounds.push({
        floor,
        takt: { wallMs: run.sayMs, cpuMs: (await machineMs()) - machine },
        parts: difference(begin, end),
      })
  }
  return report(kind, rounds)
}

function difference(begin: Readonly<Record<string, number>>, end: Readonly<Record<string, number>>) {
  return Object.fromEntries(Object.entries(end).map(([name, ms]) => [name, ms - (begin[name] ?? 0)]))
}

function report(kind: Kind, rounds: readonly Round[]): string[] {
  const megabytes = (block(kind, SECRET).length * BLOCKS) / 1e6
  const rate = ({ wallMs }: Cost) => megabytes / (wallMs / 1_000)
  const ratios = rounds.map(({ takt, floor }) => rate(takt) / rate(floor))
  const middle = (of: (round: Round) => number) => median(rounds.map(of)).toFixed(0)
  const parts = Object.keys(rounds[0]?.parts ?? {}).map(
    (name) => `${name} ${middle(({ parts }) => parts[name] ?? 0)}`,
  )
  return [
    `${megabytes.toFixed(0)} MB of a ${kind} log, stored: ${middle(({ takt }) => rate(takt))} MB/s, attached to and dropped ` +
      `${middle(({ floor }) => rate(floor))} MB/s; ${median(ratios).toFixed(2)} × (≥ 0.8 asked for), ${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`,
    `  processor time, ms: ${parts.join(', ')}; of the whole machine ${middle(({ takt }) => takt.cpuMs)}, attached to and dropped ${middle(({ floor }) => floor.cpuMs)}`,
    '  every byte of it is there, and no secret',
  ]
}

/** What the engine takes for the same output when nobody does anything with it. */
async function bare(kind: Kind): Promise<Cost> {
  const container = await docker.createContainer({
    Image: IMAGE,
    Entrypoint: ['/bin/sh', '-c', `${MAKE[kind]}\necho ready; read go\n${SAY}`],
    Env: [`TOKEN=${SECRET}`],
    OpenStdin: true,
    StdinOnce: true,
    HostConfig: { LogConfig: { Type: 'none', Config: {} }, NetworkMode: 'none' },
  })
  try {
    const options = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true }
    const stream = await container.attach(options)
    await container.start()
    let [begin, machine] = [0, 0]
    for await (const _ of stream as AsyncIterable<Buffer>) {
      if (begin > 0) continue
      machine = await machineMs()
      begin = performance.now()
      stream.write('go\n')
    }
    return { wallMs: performance.now() - begin, cpuMs: (await machineMs()) - machine }
  } finally {
    await container.remove({ force: true, v: true })
  }
}

type Ended = { readonly id: number; readonly sayMs: number }

type Command = { readonly state: string; readonly started_at: string }

/** Wait until the run of a commit carries out its first command. */
async function running(house: BenchHouse, project: string, sha: string): Promise<void> {
  for (;;) {
    const run = await runOf(house, project, sha)
    if (run && (await commandsOf(house, run.id))[0]?.state === 'running') return
    await sleep(100)
  }
}

/** The run of a commit, when all of it is written down; and how long that took from the second command's beginning. */
async function ended(house: BenchHouse, project: string, sha: string): Promise<Ended> {
  for (;;) {
    const run = await runOf(house, project, sha)
    if (run?.state === 'failed' || run?.state === 'errored') throw new Error(JSON.stringify(run))
    if (run?.state === 'succeeded') {
      const { ended_at } = await house.ask(`GET /api/v1/runs/${run.id}`)
      const [, said] = await commandsOf(house, run.id)
      return { id: run.id, sayMs: Date.parse(ended_at) - Date.parse(said?.started_at ?? '') }
    }
    await sleep(300)
  }
}

const runOf = async (house: BenchHouse, project: string, sha: string) =>
  (await house.ask(`GET /api/v1/runs?project=${project}&version=${sha}`)).items[0]

const commandsOf = async (house: BenchHouse, run: number): Promise<Command[]> =>
  (await house.ask(`GET /api/v1/runs/${run}`)).steps.flatMap(
    ({ commands }: { commands: Command[] }) => commands,
  )

/** @throws {Error} Where the log differs in a byte from what was said, but for the secret. */
async function exact(house: BenchHouse, run: number, kind: Kind): Promise<void> {
  const response = await fetch(`${house.url}/api/v1/runs/${run}/log`, {
    headers: { authorization: `Bearer ${house.token}`, accept: 'text/plain' },
  })
  const text = Buffer.from(await response.arrayBuffer())
  const expected = block(kind, '***')
  const begin = text.length - expected.length * BLOCKS
  for (let at = 0; at < BLOCKS; at++) {
    const from = begin + at * expected.length
    if (!text.subarray(from, from + expected.length).equals(expected))
      throw new Error(`the log differs from what was said in its megabyte ${at}`)
  }
  if (text.includes(SECRET)) throw new Error('the log holds the secret')
}
