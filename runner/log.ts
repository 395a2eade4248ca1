import { pino } from 'pino'
import type { Logger } from 'pino'

export type Log = Logger

/** JSON lines on stdout: a constant name in the words of the events, and fields; never a sentence with values baked in. */
export const createLog = (): Log =>
  pino({
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  })
