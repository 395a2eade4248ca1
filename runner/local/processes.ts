import { readdir, readFile } from 'node:fs/promises'

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

/** A process in the words of `/proc/<pid>/stat`; `startedAt` counts the kernel's ticks. */
type Stat = { readonly pid: number; readonly parent: number; readonly startedAt: number }

/**
 * Signal what runs below a shell: all its descendants, and those of its mark that left it since its own child began.
 *
 * @returns How many there were.
 */
export async function signalBelow(shell: number, mark: string, signal: NodeJS.Signals): Promise<number> {
  const [stats, ours] = await Promise.all([allStats(), marked(mark)])
  const below = new Set([shell])
  // Parents mostly come before their children; after a turn of the numbers they do not, hence once more.
  for (let size = 0; size < below.size;) {
    size = below.size
    for (const { pid, parent } of stats) if (below.has(parent)) below.add(pid)
  }
  const since = Math.min(...stats.flatMap(({ parent, startedAt }) => (parent === shell ? [startedAt] : [])))
  const young = stats.filter(({ pid, startedAt }) => ours.includes(pid) && startedAt >= since)
  const found = new Set([...below, ...young.map(({ pid }) => pid)])
  found.delete(shell)
  return [...found].filter((pid) => kill(pid, signal)).length
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
    : { pid, parent: Number(parent), startedAt: Number(fields[19]) }
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
