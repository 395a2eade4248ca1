import { constants } from 'node:os'

/** A shell reports what a signal ended by this and the signal's number. */
const BY_SIGNAL = 128

/** `SIGSEGV (exit code 139)`, `exit code 3`. */
export function exitWords(exitCode: number | null): string {
  const signal = Object.entries(constants.signals).find(([, number]) => BY_SIGNAL + number === exitCode)?.[0]
  if (exitCode === null) return 'no exit code'
  return signal ? `${signal} (exit code ${exitCode})` : `exit code ${exitCode}`
}
