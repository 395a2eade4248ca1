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
