import { pino } from 'pino'

/** What of an error goes into the log besides its name, words and stack. */
const FIELDS = [
  ...['code', 'errno', 'syscall', 'path', 'address', 'port'],
  ...['severity', 'schema', 'table', 'column', 'constraint', 'routine'],
]

/**
 * An error as the log shows it, its causes within its words and stack. Fields are let through by name: PostgreSQL's `detail`,
 * `where` and the like quote rows ("Failing row contains …"), and rows hold leases, hashes and what people sent.
 */
export function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error)
  const { type, message, stack } = pino.stdSerializers.err(error)
  const known = Object.entries(error).filter(([name]) => FIELDS.includes(name))
  const several = error instanceof AggregateError ? { errors: error.errors.map(errorFields) } : {}
  return { type, message, stack, ...Object.fromEntries(known), ...several }
}

/**
 * JSON lines on standard output: a constant name in the vocabulary of the events, then fields. Never a secret, never a sentence
 * with values baked in: `log.info({ run, from, to }, 'run.moved')`.
 */
export const log = pino({
  base: null,
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label) => ({ level: label }) },
  serializers: { err: errorFields },
})
export type Log = typeof log
