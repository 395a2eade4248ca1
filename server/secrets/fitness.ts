import { Problem } from '../problem.ts'

/** A variable of a program can hold twice as much; keys and certificates are far smaller. */
export const MOST_BYTES = 64 * 1024
const LEAST_LETTERS = 4

/** Words that stand in every log: with one of them for a secret, stars would tell where it stands, and hide what people need. */
const COMMON = new Set(
  `admin administrator build change changeme debug default deploy develop docker error example false foobar guest
  https info latest linux local localhost main master mysql node none null password passwd postgres production
  public redis release root secret sshd staging start success takt test test123 true undefined user username
  warning 0000 1111 1234 12345 123456 12345678 123456789 1234567890`.split(/\s+/),
)

/** Why a value cannot be a secret, as what can be done about it; null where it can. */
export function unfitness(value: string): string | null {
  const core = value.trim()
  if (core.length < LEAST_LETTERS)
    return `it has ${core.length} characters, and fewer than ${LEAST_LETTERS} cannot be hidden in a log; take a longer one`
  if (new Set(core).size === 1) return 'it is one character over and over; take a random one'
  if (COMMON.has(core.toLowerCase()))
    return 'it is a word that stands in many logs, where it cannot be hidden; make it a variable in `env`, or take a random one'
  if (!value.isWellFormed())
    return 'it is no text in UTF-8; store binary files in base64 and decode them in the job'
  const bytes = Buffer.byteLength(value)
  return bytes > MOST_BYTES
    ? `it has ${bytes} bytes, and ${MOST_BYTES} fit; keep what is larger in a file elsewhere`
    : null
}

/** A value that can be a secret. @throws {Problem} `bad-secret`. */
export function fitting(name: string, value: string): string {
  const unfit = unfitness(value)
  if (unfit !== null) throw new Problem('bad-secret', `the value of ${name} is not stored: ${unfit}`)
  return value
}
