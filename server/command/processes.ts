import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** One process, told from any later one that gets its number. */
export type Mark = {
  readonly pid: number
  /** When it began, in the kernel's ticks; empty where there is no /proc. */ readonly born: string
}

export const markOf = (pid: number): Mark => ({ pid, born: bornAt(pid) ?? '' })

export function isAlive({ pid, born }: Mark): boolean {
  const now = bornAt(pid)
  if (now !== undefined) return now === born
  return born === '' && tell(pid, 0)
}

/** End processes: they are asked first, and killed with all their children's groups when they do not listen. */
export async function endAll(marks: readonly Mark[], patienceMs: number): Promise<void> {
  const endsAt = performance.now() + patienceMs
  for (const mark of marks.filter(isAlive)) tell(mark.pid, 'SIGTERM')
  while (marks.some(isAlive) && performance.now() < endsAt) await delay(20)
  for (const mark of marks.filter(isAlive)) killGroup(mark.pid)
  while (marks.some(isAlive)) await delay(5)
}

/** Kill a process that leads a group of its own, and the group. */
export function killGroup(pid: number): void {
  if (!tell(-pid, 'SIGKILL')) tell(pid, 'SIGKILL')
}

function tell(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false // it ended before it could be told
  }
}

/** Field 22 of the kernel's line; the second one may hold anything, so the count begins behind its bracket. Undefined: none alive. */
function bornAt(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined // gone, or a system without /proc
  }
}
