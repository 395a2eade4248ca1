import { createHmac, randomUUID } from 'node:crypto'
import { WebSocket } from 'ws'
import type { LiveSays } from '#pipelines/wire/live.ts'
import { publicGit } from '../support/public-git.ts'
import { bareContainer } from './floor.ts'
import type { BenchHouse } from './house.ts'
import { median } from './median.ts'

const ROUNDS = 12
const FILE =
  'jobs:\n  first: { image: "takt-demo:1", run: echo here }\n  second: { image: "takt-demo:1", needs: first, run: echo there }\n'

export type Dispatch = { firstLine: Pair[]; dependent: Pair[] }
/** The same thing through Takt and by a bare script, in one round: milliseconds. */
export type Pair = { readonly takt: number; readonly floor: number }

/**
 * Webhook accepted → first log line, and job finished → dependent's first step begun; each beside its floor in the same
 * round, so that a busy machine slows both.
 */
export async function measureDispatch(house: BenchHouse): Promise<Dispatch> {
  await using git = await publicGit('bench')
  await house.ask('POST /api/v1/projects', { name: 'bench', repository: { url: git.url } })
  const { url, secret } = await house.ask('GET /api/v1/projects/bench/hook')
  await using live = await watch(house)
  const measured: Dispatch = { firstLine: [], dependent: [] }
  for (let round = -1; round < ROUNDS; round++) {
    const floor = await bareContainer()
    const sha = await git.clone.push({ '.takt.yml': FILE, round: String(round) })
    const times = await oneCommit(live, () => deliver(url, secret, sha))
    if (round < 0) continue // the first round warms caches on both sides
    measured.firstLine.push({ takt: times.firstLineMs, floor: floor.firstByteMs })
    measured.dependent.push({ takt: times.dependentMs, floor: floor.startedMs })
  }
  return measured
}

/** Tell the server of a commit, as a post-receive hook does. */
export async function deliver(url: string, secret: string, sha: string): Promise<void> {
  const body = JSON.stringify({ id: randomUUID(), ref: 'refs/heads/main', after: sha })
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
  const headers = {
    'content-type': 'application/json',
    'x-takt-delivery': randomUUID(),
    'x-takt-signature': signature,
  }
  const response = await fetch(url, { method: 'POST', headers, body })
  if (response.status !== 202) throw new Error(`the delivery was answered with ${response.status}`)
  await response.text()
}

type Live = AsyncDisposable & {
  on(told: (said: LiveSays) => void): () => void
  tail(run: number): void
  ask: BenchHouse['ask']
}

/** A commit from its acceptance to the end of both jobs. */
async function oneCommit(
  live: Live,
  deliverIt: () => Promise<void>,
): Promise<{ firstLineMs: number; dependentMs: number }> {
  const firstLine = Promise.withResolvers<number>()
  const both = Promise.withResolvers<{ first: number; second: number }>()
  const runs = { first: 0, second: 0 }
  const off = live.on((said) => {
    if (said.say === 'log' && said.step === 1) firstLine.resolve(performance.now())
    if (said.say !== 'event' || said.event.kind !== 'run.moved') return
    const { job, run, to } = said.event
    if (to === 'queued' && job === 'first') live.tail((runs.first = run))
    if (to === 'queued' && job === 'second') runs.second = run
    if (to === 'succeeded' && job === 'second') both.resolve(runs)
    if (to === 'failed' || to === 'errored') both.reject(new Error(`run ${run} ${to}`))
  })
  await deliverIt()
  const accepted = performance.now()
  const firstLineMs = (await firstLine.promise) - accepted
  const { first, second } = await both.promise
  off()
  const { ended_at } = await live.ask(`GET /api/v1/runs/${first}`)
  const { steps } = await live.ask(`GET /api/v1/runs/${second}`)
  // The container may have waited since long before: what counts is when its shell was there for the first step.
  const { started_at } = steps.find(({ name }: { name: string }) => name === 'run')
  return { firstLineMs, dependentMs: Date.parse(started_at) - Date.parse(ended_at) }
}

async function watch(house: BenchHouse): Promise<Live> {
  const socket = new WebSocket(`${house.url.replace('http', 'ws')}/live`, {
    headers: { authorization: `Bearer ${house.token}` },
  })
  const listeners = new Set<(said: LiveSays) => void>()
  socket.on('message', (words: Buffer) => {
    const said: LiveSays = JSON.parse(words.toString())
    for (const tell of listeners) tell(said)
  })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  socket.send(JSON.stringify({ say: 'watch', watch: 1, topic: { of: 'all' }, after: 0 }))
  return {
    on(told) {
      listeners.add(told)
      return () => listeners.delete(told)
    },
    tail: (run) => socket.send(JSON.stringify({ say: 'tail', watch: 2, run, from: null })),
    ask: house.ask,
    async [Symbol.asyncDispose]() {
      socket.terminate()
    },
  }
}

/** One line of the report: medians and the median of the ratios, round by round. */
export function report(name: string, pairs: readonly Pair[], atMost: number): string {
  const ratio = median(pairs.map(({ takt, floor }) => takt / floor))
  const takt = median(pairs.map((pair) => pair.takt))
  const floor = median(pairs.map((pair) => pair.floor))
  const verdict = ratio <= atMost ? 'good' : 'TOO SLOW'
  return `${name}: ${takt.toFixed(0)} ms, floor ${floor.toFixed(0)} ms, ratio ${ratio.toFixed(2)} (at most ${atMost}: ${verdict}; ${pairs.length} rounds)`
}
