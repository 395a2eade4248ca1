import { cpus, totalmem } from 'node:os'
import { availableMemory, constrainedMemory } from 'node:process'

/** Whether the machine can carry one run more, and how it stands, in words. */
export type MachineRoom = { readonly enough: boolean; readonly words: string }

const GIB = 2 ** 30
const LEAST_FREE_BYTES = GIB / 2
const LEAST_FREE_SHARE = 0.1
const MOST_BUSY = 0.9
/** A shorter look at the processors says nothing. */
const SAMPLE_MS = 500

/** A view of the machine that this process runs on, or of the part of it that it may use. */
export function ownMachine(): () => MachineRoom {
  let last = { at: performance.now(), ...ticks() }
  let busy = 0
  return () => {
    const now = performance.now()
    if (now - last.at >= SAMPLE_MS) {
      const { idle, all } = ticks()
      busy = all > last.all ? 1 - (idle - last.idle) / (all - last.all) : 0
      last = { at: now, idle, all }
    }
    return judge({ freeBytes: availableMemory(), totalBytes: ownMemory(), busy })
  }
}

type Machine = { readonly freeBytes: number; readonly totalBytes: number; readonly busy: number }

/** Enough memory, so that a run more does not push out another one; and processors that have something left. */
export function judge({ freeBytes, totalBytes, busy }: Machine): MachineRoom {
  const hasMemory = freeBytes >= Math.max(LEAST_FREE_BYTES, totalBytes * LEAST_FREE_SHARE)
  const words = `${(freeBytes / GIB).toFixed(1)} GiB free, processors ${Math.round(busy * 100)} % busy`
  return { enough: hasMemory && busy <= MOST_BUSY, words }
}

/** A limit of the container, where there is one that means something. */
function ownMemory(): number {
  const limit = constrainedMemory()
  return limit > 0 && limit < totalmem() ? limit : totalmem()
}

function ticks(): { idle: number; all: number } {
  const times = cpus().map((cpu) => cpu.times)
  const sum = (of: (each: (typeof times)[number]) => number) =>
    times.reduce((total, each) => total + of(each), 0)
  return {
    idle: sum(({ idle }) => idle),
    all: sum((each) => each.user + each.nice + each.sys + each.idle + each.irq),
  }
}
