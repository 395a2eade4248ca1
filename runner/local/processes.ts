import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { constants } from 'node:os'

/** The variable by which a run's processes are known, also those that left the shell's process group. */
export const MARK = 'TAKT_RUNNER_MARK'

/** End every process whose environment carries a mark that begins with `prefix`, and look again until none is left. */
export async function killMarked(prefix: string): Promise<number> {
  let killed = 0
  // A process may have forked while the list was read; each round finds what the one before could not.
  for (let round = 0; round < 20; round++) {
    const found = await marked(prefix)
    if (found.length === 0) return killed
    for (const pid of found) killed += kill(pid, 'SIGKILL') ? 1 : 0
  }
  return killed
}

/** The processes that carry the mark, zombies excepted (theirs is empty). */
export async function marked(prefix: string): Promise<number[]> {
  const needle = `${MARK}=${prefix}`
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(
    pids.map(async (pid) => ((await environ(pid)).some((line) => line.startsWith(needle)) ? pid : 0)),
  )
  return found.filter((pid) => pid !== 0 && pid !== process.pid)
}

/** A process in the words of `/proc/<pid>/stat`; `startedAt` counts the kernel's ticks since the machine began. */
export type Stat = {
  readonly pid: number
  readonly parent: number
  readonly flags: number
  readonly startedAt: number
}

/** What runs below a shell: all its descendants, and those of its mark that left it since its own child began. */
export async function below(shell: number, mark: string): Promise<Stat[]> {
  const [stats, ours] = await Promise.all([allStats(), marked(mark)])
  const found = new Set([shell])
  // Parents mostly come before their children; after a turn of the numbers they do not, hence once more.
  for (let size = 0; size < found.size;) {
    size = found.size
    for (const { pid, parent } of stats) if (found.has(parent)) found.add(pid)
  }
  const since = Math.min(...stats.flatMap(({ parent, startedAt }) => (parent === shell ? [startedAt] : [])))
  const isYoung = ({ pid, startedAt }: Stat) => startedAt >= since && ours.includes(pid)
  return stats.filter((stat) => stat.pid !== shell && (found.has(stat.pid) || isYoung(stat)))
}

/** The number that the kernel gave away last; at once, as others are given away while one waits. */
export function lastBorn(): number {
  return Number(readFileSync('/proc/loadavg', 'latin1').trim().split(' ').at(-1))
}

export async function uptimeTicks(): Promise<number> {
  return Math.floor(parseFloat(await readFile('/proc/uptime', 'latin1')) * 100)
}

/** Whether it has a handler for SIGTERM of its own. */
export async function catches(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '') // ended meanwhile
  const mask = BigInt(`0x${/^SigCgt:\s*([0-9a-f]+)$/m.exec(text)?.[1] ?? '0'}`)
  return ((mask >> BigInt(constants.signals.SIGTERM - 1)) & 1n) === 1n
}

async function allStats(): Promise<Stat[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  return (await Promise.all(pids.map(statOf))).flatMap((stat) => stat ?? [])
}

/** The name of a program stands in parentheses and may hold anything, also parentheses; a zombie has ended already. */
async function statOf(pid: number): Promise<Stat | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '') // ended meanwhile
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, parent] = fields
  return parent === undefined || state === 'Z'
    ? null
    : { pid, parent: Number(parent), flags: Number(fields[6]), startedAt: Number(fields[19]) }
}

const environ = (pid: number): Promise<string[]> =>
  readFile(`/proc/${pid}/environ`, 'latin1').then(
    (text) => text.split('\0'),
    () => [], // ended meanwhile, or another user's: not one of ours
  )

/** Send a signal to a process, or with a negative number to its group. @returns Whether there was somebody to hear it. */
export function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false // ended in this moment: what was wanted
  }
}
