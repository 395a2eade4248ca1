import { publicGit } from '../support/public-git.ts'
import { until } from '../support/until.ts'
import { deliver } from './dispatch.ts'
import { type BenchHouse, startProcesses } from './house.ts'

const JOBS = 16
const SLOTS = 4
const SECONDS = 5
const AT_LEAST = 0.9

type Step = { readonly started_at: string; readonly ended_at: string; readonly name: string }

/** Sixteen jobs of five seconds that are due at once, on four slots: which part of the slots' time the jobs' own commands had. */
export async function measureSlots(): Promise<string> {
  await using house = await startProcesses({ TAKT_SLOTS: String(SLOTS) })
  await using git = await publicGit('slots')
  const job = (index: number) => `  job-${index}: { image: "takt-demo:1", run: sleep ${SECONDS} }\n`
  const file = `jobs:\n${Array.from({ length: JOBS }, (_, index) => job(index)).join('')}`
  await house.ask('POST /api/v1/projects', { name: 'slots', repository: { url: git.url } })
  const { url, secret } = await house.ask('GET /api/v1/projects/slots/hook')
  await deliver(url, secret, await git.clone.push({ '.takt.yml': file }))
  const runs = await until(() => ended(house), { withinMs: 120_000, everyMs: 200 })
  const spans = runs.map((run) => spanOf(run.steps))
  const wholeMs = Math.max(...spans.map(({ to }) => to)) - Math.min(...spans.map(({ from }) => from))
  const busyMs = spans.reduce((sum, { from, to }) => sum + to - from, 0)
  const share = busyMs / (SLOTS * wholeMs)
  return `${JOBS} jobs of ${SECONDS} s on ${SLOTS} slots: ${(wholeMs / 1_000).toFixed(1)} s, slots busy ${(share * 100).toFixed(1)} % (at least ${AT_LEAST * 100}: ${share >= AT_LEAST ? 'good' : 'TOO SLOW'})`
}

type Run = { readonly id: number; readonly state: string; readonly steps: Step[] }

async function ended(house: BenchHouse): Promise<Run[] | null> {
  const { items } = await house.ask('GET /api/v1/runs?project=slots')
  const done = items.filter(({ state }: Run) => state === 'succeeded')
  if (done.length < JOBS) return null
  return Promise.all(done.map(({ id }: Run) => house.ask(`GET /api/v1/runs/${id}`)))
}

function spanOf(steps: readonly Step[]) {
  const step = steps.find(({ name }) => name === 'run')
  if (!step) throw new Error('a run without its step')
  return { from: Date.parse(step.started_at), to: Date.parse(step.ended_at) }
}
