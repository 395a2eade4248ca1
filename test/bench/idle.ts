import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

const OVER_MS = 10_000
const TICKS_PER_S = Number(execFileSync('getconf', ['CLK_TCK']).toString())

type Usage = { readonly ticks: number; readonly bytes: number }

/** What processes and their children use while nothing happens: share of one core, and memory that no one else shares. */
export async function measureIdle(...pids: readonly number[]): Promise<Idle> {
  const before = usageOf(pids)
  await delay(OVER_MS)
  const after = usageOf(pids)
  // Helpers of PostgreSQL come and go: only who was there all the time can be compared.
  const ticks = [...after].reduce(
    (sum, [each, usage]) => sum + usage.ticks - (before.get(each)?.ticks ?? usage.ticks),
    0,
  )
  const bytes = [...after.values()].reduce((sum, usage) => sum + usage.bytes, 0)
  const core = (ticks / TICKS_PER_S / (OVER_MS / 1_000)) * 100
  const words = `${core.toFixed(1)} % of a core, ${(bytes / 2 ** 20).toFixed(0)} MiB (server and its PostgreSQL, over ${OVER_MS / 1_000} s)`
  return { core, words }
}
export type Idle = { readonly core: number; readonly words: string }

const usageOf = (pids: readonly number[]): Map<number, Usage> =>
  new Map(pids.flatMap((pid) => [pid, ...below(pid)]).map((each) => [each, one(each)]))

const statOf = (pid: number) =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')

function below(pid: number): number[] {
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  const children = pids.filter((candidate) => parentOf(candidate) === pid)
  return children.flatMap((child) => [child, ...below(child)])
}

function parentOf(pid: number): number {
  try {
    return Number(statOf(pid)[1])
  } catch {
    return 0 // it ended while we looked
  }
}

function one(pid: number): Usage {
  const stat = statOf(pid)
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const pss = /^Pss:\s+(\d+) kB/m.exec(rollup)?.[1]
  return { ticks: Number(stat[11]) + Number(stat[12]), bytes: Number(pss) * 1024 }
}
