/** How much of the machine one container may use. */
export type Limits = { readonly memoryBytes: number; readonly cpus: number; readonly pids: number }

/** The most a run may have: what the operator says, and never more than the engine's machine has. */
export type Maxima = Limits & { readonly diskBytes: number }

/** Docker refuses less than this for any container. */
const LEAST_MEMORY_BYTES = 6 * 2 ** 20
/** A container's init, its shell, a step's own and its first command; and whoever comes in to end them. */
const LEAST_PIDS = 16

export type Machine = { readonly cpus: number; readonly memoryBytes: number }

export function maximaOf(given: Partial<Maxima>, machine: Machine): Maxima {
  return {
    cpus: Math.min(given.cpus ?? machine.cpus, machine.cpus),
    memoryBytes: Math.min(given.memoryBytes ?? machine.memoryBytes, machine.memoryBytes),
    pids: given.pids ?? 32_768,
    diskBytes: given.diskBytes ?? 0,
  }
}

/** What a run that asks for `asked` gets. */
export const clamped = (asked: Limits, maxima: Maxima): Limits => ({
  cpus: Math.min(asked.cpus, maxima.cpus),
  memoryBytes: Math.max(Math.min(asked.memoryBytes, maxima.memoryBytes), LEAST_MEMORY_BYTES),
  pids: Math.max(Math.min(asked.pids, maxima.pids), LEAST_PIDS),
})

/** The line of the `prepare` step that says what the run has, and why that is not what its job asks for. */
export function limitsInWords(asked: Limits, given: Limits): string {
  const words = `${given.cpus} CPU, ${sizeInWords(given.memoryBytes)} of memory, ${given.pids} processes`
  const less = given.cpus < asked.cpus || given.memoryBytes < asked.memoryBytes || given.pids < asked.pids
  const asks = `${asked.cpus} CPU, ${sizeInWords(asked.memoryBytes)}, ${asked.pids} processes`
  if (less) return `Limits: ${words} (the job asks for ${asks}; this runner gives no more)\n`
  const more = given.memoryBytes > asked.memoryBytes || given.pids > asked.pids
  return more ? `Limits: ${words} (the job asks for ${asks}; nothing runs in less)\n` : `Limits: ${words}\n`
}

export function sizeInWords(bytes: number): string {
  const [unit, size] = bytes >= 2 ** 30 ? (['GiB', 2 ** 30] as const) : (['MiB', 2 ** 20] as const)
  return `${Math.round((bytes / size) * 10) / 10} ${unit}`
}
