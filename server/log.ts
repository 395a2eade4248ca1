import { pino } from 'pino'

/**
 * JSON lines on standard output: a constant name in the vocabulary of the events, then fields. Never a secret, never a sentence
 * with values baked in: `log.info({ run, from, to }, 'run.moved')`.
 */
export const log = pino({
  base: null,
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label) => ({ level: label }) },
})
export type Log = typeof log
