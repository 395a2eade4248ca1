import { z } from 'zod'
import { CheckedVersion, MOST_CHECKED, MOST_TOLD_BYTES } from '#pipelines/wire/runner.ts'
import { EngineError } from '../engine.ts'
import { firstJson } from './first-json.ts'

/** What the programs of an image are told: whatever a resource's author wrote. */
export type Tree = Readonly<Record<string, z.core.util.JSONType>>
/** A version as the Concourse resource protocol knows it: a flat mapping of texts. */
export type Version = Readonly<Record<string, string>>

/** What `in` and `out` answer: which version there is now, and what they tell of it. */
export type Made = {
  readonly version: Version
  readonly metadata: readonly { readonly name: string; readonly value: string }[]
}

/** The three programs of an image that speaks the protocol. */
export const PROGRAM = {
  check: '/opt/resource/check',
  in: '/opt/resource/in',
  out: '/opt/resource/out',
} as const
export type ProgramName = keyof typeof PROGRAM

/** Of what should have been JSON people are shown the beginning. */
const MOST_SHOWN = 100

export type Question = {
  readonly source: Tree
  readonly params?: Tree | undefined
  readonly version?: Version | null | undefined
}

/** The one JSON object on a program's stdin: `source` is always there, what is empty is left out and never null. */
export function questionOf({ source, params, version }: Question): string {
  return JSON.stringify({
    source,
    ...(params && Object.keys(params).length > 0 ? { params } : {}),
    ...(version && Object.keys(version).length > 0 ? { version } : {}),
  })
}

/** Concourse reads a null text as an empty one; a number, a truth value or a tree is no text. */
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? '')
const flat = z.record(z.string(), text)
const Answer = z.object({
  version: flat.nullish(),
  metadata: z.array(z.object({ name: text, value: text })).nullish(),
})

/**
 * The answer of `in` or `out`: the first JSON value of its stdout, whatever stands behind it. Keys that nobody knows are passed over.
 *
 * @throws {EngineError} `bad_answer`: nothing, no JSON, no version.
 */
export function madeOf(program: ProgramName, stdout: string): Made {
  const { version, metadata } = read(program, Answer, stdout)
  if (!version || Object.keys(version).length === 0)
    throw bad(program, 'it told no version; a version has at least one key')
  return { version: bounded(program, version), metadata: metadata ?? [] }
}

/**
 * The answer of `check`, the oldest version first; nothing at all means that there is nothing new.
 *
 * @throws {EngineError} `bad_answer`.
 */
export function versionsOf(stdout: string): Version[] {
  if (stdout.trim() === '') return []
  const versions = read('check', z.array(flat).nullable(), stdout) ?? []
  // The newest ones matter; a resource that is asked again from there tells the same tail.
  return newest(versions.slice(-MOST_CHECKED).map((version) => bounded('check', version)))
}

/** Of versions in their order, the last ones that fit into an answer to the server. */
function newest(versions: readonly Version[]): Version[] {
  let bytes = 0
  const first = versions.findLastIndex((version) => {
    bytes += Buffer.byteLength(JSON.stringify(version)) + 1
    return bytes > MOST_TOLD_BYTES
  })
  const fitting = versions.slice(first + 1)
  if (fitting.length > 0 || versions.length === 0) return fitting
  throw bad('check', 'its newest version alone has more than a million bytes')
}

function read<T>(program: ProgramName, schema: z.ZodType<T>, stdout: string): T {
  const value = firstJson(stdout)
  if (value === undefined) throw bad(program, `its stdout ${beginningOf(stdout)}`)
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw bad(program, `${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'it has another form'}`)
}

const beginningOf = (stdout: string) =>
  stdout.trim() === ''
    ? 'is empty'
    : `begins with no JSON value, but with ${JSON.stringify(stdout.trimStart().slice(0, MOST_SHOWN))}`

function bounded(program: ProgramName, version: Version): Version {
  const checked = CheckedVersion.safeParse(version)
  if (checked.success) return checked.data
  throw bad(program, `a version of it cannot be kept: ${checked.error.issues[0]?.message ?? 'too long'}`)
}

const bad = (program: ProgramName, why: string) =>
  new EngineError(
    'bad_answer',
    `The answer of ${PROGRAM[program]} breaks the resource protocol: ${why.slice(0, 500)}.`,
  )
