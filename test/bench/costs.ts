import { execFileSync } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import type { BenchHouse } from './house.ts'

const MS_A_TICK = 1_000 / Number(execFileSync('getconf', ['CLK_TCK']).toString())

/** What something took: time on the clock, and time of processors. */
export type Cost = { readonly wallMs: number; readonly cpuMs: number }

/** The processor time that each of Takt's parts has had so far, in ms. */
export async function costs(house: Pick<BenchHouse, 'pid' | 'runnerPid'>): Promise<Record<string, number>> {
  const below = await descendants(house.pid)
  const database = await Promise.all(below.map(cpuMs))
  return {
    runner: await cpuMs(house.runnerPid),
    server: await cpuMs(house.pid),
    PostgreSQL: database.reduce((sum, ms) => sum + ms, 0),
  }
}

/** What the whole machine has worked since it was started, in ms. */
export async function machineMs(): Promise<number> {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (await readFile('/proc/stat', 'utf8'))
    .split('\n', 1)
    .join()
    .split(/\s+/)
    .map(Number)
  return (user + nice + system + irq + softirq) * MS_A_TICK
}

/** The most memory a process ever had. */
export async function peakBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024
}

/** User and system, with the children that it has waited for. */
async function cpuMs(pid: number): Promise<number> {
  const [, , , , , , , , , , , user = 0, system = 0] = (await statOf(pid)).map(Number)
  return (user + system) * MS_A_TICK
}

async function descendants(pid: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const parents = await Promise.all(
    pids.map(async (each) => [each, Number((await statOf(each))[1])] as const),
  )
  const of = (parent: number): number[] =>
    parents.flatMap(([each, itsParent]) => (itsParent === parent ? [each, ...of(each)] : []))
  return of(pid)
}

/** The fields of a process behind its name; none where it ended while we looked. */
const statOf = async (pid: number): Promise<string[]> =>
  (await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')).replace(/^.*\) /s, '').split(' ')
