import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { publicGit } from '../support/public-git.ts'
import { deliver } from './dispatch.ts'
import { docker } from './floor.ts'
import type { BenchHouse } from './house.ts'
import { median } from './median.ts'

const ROUNDS = 5
const IMAGE = 'takt-demo:1'
const BLOCKS = 100
const LINES_A_BLOCK = 10_000
/** Every so many lines, one of a block shows the secret. */
const SECRET_EVERY = 100
const SECRET = `${randomBytes(12).toString('base64url')}/${randomBytes(12).toString('base64url')}`

/** Make a file of a megabyte, secrets among its lines, with the least of tools; then say it a hundred times. */
const MAKE = [
  `i=0`,
  `while [ $i -lt ${LINES_A_BLOCK} ]; do`,
  `i=$((i+1))`,
  `if [ $((i % ${SECRET_EVERY})) -eq 0 ]; then echo "line $i: the token is $TOKEN, and nobody may see it on this line"`,
  `else echo "line $i: compiled packages/app/src/module-$i.ts in $((i % 97)) ms, which is as long as it takes us"; fi`,
  `done > /tmp/block`,
].join('\n')
const SAY = `i=0; while [ $i -lt ${BLOCKS} ]; do cat /tmp/block; i=$((i+1)); done`

/** The same block as the container makes it, with the secret as `shown`. */
function block(shown: string): Buffer {
  const lines = Array.from({ length: LINES_A_BLOCK }, (_, at) => {
    const i = at + 1
    return i % SECRET_EVERY === 0
      ? `line ${i}: the token is ${shown}, and nobody may see it on this line\n`
      : `line ${i}: compiled packages/app/src/module-${i}.ts in ${i % 97} ms, which is as long as it takes us\n`
  })
  return Buffer.from(lines.join(''))
}

/** A log of 100 MB through runner, server and PostgreSQL, beside the same container whose output is attached to and dropped. */
export async function measureLog(house: BenchHouse): Promise<string[]> {
  await using git = await publicGit('bench-log')
  await house.ask('POST /api/v1/projects', { name: 'log', repository: { url: git.url } })
  await house.ask('PUT /api/v1/projects/log/secrets/TOKEN', { value: SECRET })
  const { url, secret } = await house.ask('GET /api/v1/projects/log/hook')
  const file = `jobs:\n  say: { when: push, image: "${IMAGE}", secrets: [TOKEN], run: [${JSON.stringify(MAKE)}, ${JSON.stringify(SAY)}] }\n`
  const takt: number[] = []
  const floor: number[] = []
  const megabytes = (block(SECRET).length * BLOCKS) / 1e6
  for (let round = -1; round < ROUNDS; round++) {
    const bareMs = await bare()
    const sha = await git.clone.push({ '.takt.yml': file, round: String(round) })
    await deliver(url, secret, sha)
    const run = await ended(house, sha)
    if (round < 0) await exact(house, run.id)
    else {
      floor.push(megabytes / (bareMs / 1_000))
      takt.push(megabytes / (run.sayMs / 1_000))
    }
  }
  const ratios = takt.map((rate, at) => rate / (floor[at] ?? Number.NaN))
  const [mine, theirs] = [median(takt), median(floor)]
  return [
    `${megabytes.toFixed(0)} MB of log, stored: ${mine.toFixed(0)} MB/s, attached to and dropped ${theirs.toFixed(0)} MB/s; ` +
      `${median(ratios).toFixed(2)} × (≥ 0.8 asked for), ${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`,
    `the runner's memory at its most: ${Math.round((await peakBytes(house.runnerPid)) / 1e6)} MB (< 150 asked for)`,
    'every byte of it is there, and no secret',
  ]
}

/** What the engine takes for the same output when nobody does anything with it. */
async function bare(): Promise<number> {
  const container = await docker.createContainer({
    Image: IMAGE,
    Entrypoint: ['/bin/sh', '-c', `${MAKE}\necho ready; read go\n${SAY}`],
    Env: [`TOKEN=${SECRET}`],
    OpenStdin: true,
    StdinOnce: true,
    HostConfig: { LogConfig: { Type: 'none', Config: {} }, NetworkMode: 'none' },
  })
  try {
    const options = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true }
    const stream = await container.attach(options)
    await container.start()
    let begin = 0
    for await (const _ of stream as AsyncIterable<Buffer>) {
      if (begin > 0) continue
      begin = performance.now()
      stream.write('go\n')
    }
    return performance.now() - begin
  } finally {
    await container.remove({ force: true, v: true })
  }
}

type Ended = { readonly id: number; readonly sayMs: number }

/** The run of a commit, when all of it is written down; and how long that took from the command's beginning. */
async function ended(house: BenchHouse, sha: string): Promise<Ended> {
  for (;;) {
    const { items } = await house.ask(`GET /api/v1/runs?project=log&version=${sha}`)
    const [run] = items
    if (run?.state === 'failed' || run?.state === 'errored') throw new Error(JSON.stringify(run))
    if (run?.state === 'succeeded') {
      const { steps, ended_at } = await house.ask(`GET /api/v1/runs/${run.id}`)
      const said = steps.flatMap(({ commands }: { commands: { started_at: string }[] }) => commands)[1]
      return { id: run.id, sayMs: Date.parse(ended_at) - Date.parse(said.started_at) }
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** @throws {Error} Where the log differs in a byte from what was said, but for the secret. */
async function exact(house: BenchHouse, run: number): Promise<void> {
  const response = await fetch(`${house.url}/api/v1/runs/${run}/log`, {
    headers: { authorization: `Bearer ${house.token}`, accept: 'text/plain' },
  })
  const text = Buffer.from(await response.arrayBuffer())
  const expected = block('***')
  const begin = text.length - expected.length * BLOCKS
  for (let at = 0; at < BLOCKS; at++) {
    const from = begin + at * expected.length
    if (!text.subarray(from, from + expected.length).equals(expected))
      throw new Error(`the log differs from what was said in its megabyte ${at}`)
  }
  if (text.includes(SECRET)) throw new Error('the log holds the secret')
}

/** The most memory a process ever had. */
async function peakBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024
}
