import { z } from 'zod'
import type { CheckId, RunId } from '../ids.ts'
import { RUNNER_MODES, RUNNER_TELLS, STEP_STATES } from '../states.ts'
import { RanImage } from './images.ts'
import { Carried, Plan } from './plan.ts'
import { TerminalOrder, TerminalWord } from './terminal.ts'

/**
 * What runner and server say to each other over the WebSocket at `/runner`.
 *
 * The runner dials with `Authorization: Bearer <runner token>`. JSON text frames hold the messages below; log bytes
 * travel in binary frames (`log-frames.ts`). A runner asks for work; it is never sent work it did not ask for. Everything it
 * reports of a run is numbered from 1 without gaps, log frames and entries alike, and acknowledged with `heard` after the
 * server's commit. The runner keeps what is unheard and says it again, in order, after a redial; a repeated number is
 * ignored. A report under a lease that is no longer the run's changes nothing and is answered with `forget`.
 */
export const DIALECT = 6

export const runId = z
  .number()
  .int()
  .positive()
  .transform((value) => value as RunId)
const checkId = z
  .number()
  .int()
  .positive()
  .transform((value) => value as CheckId)
export const seq = z.number().int().positive()
export const lease = z.string().min(16).max(100)
export const step = z.number().int().min(0).max(10_000)
const command = z.number().int().min(0).max(10_000)

/** How long texts of a report may be, in UTF-16 units. */
export const MOST_LETTERS = { reason: 1_000, message: 4_000, value: 100_000 } as const

/** Why a run could not go on, for people and for rules: a constant code and a sentence. */
export const RunError = z.object({
  code: z.string().regex(/^[a-z_]{1,60}$/),
  message: z.string().max(MOST_LETTERS.message),
})
export type RunError = z.output<typeof RunError>

/** A version as an image of the Concourse resource protocol knows it: names and texts, at least one. */
export const CheckedVersion = z
  .record(z.string().max(1_000), z.string().max(10_000))
  .refine((version) => Object.keys(version).length > 0, { error: 'a version has at least one key' })
export type CheckedVersion = z.output<typeof CheckedVersion>
/** An answer holds at most this many versions. */
export const MOST_CHECKED = 1_000

/** One numbered entry of a run's report. */
export const ReportEntry = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('step.started'), step }),
  /** Its condition did not hold, or what stood before it ended the run; `reason` says which, in words. */
  z.object({ kind: z.literal('step.skipped'), step, reason: z.string().max(MOST_LETTERS.reason) }),
  /** A try has ended, and the step begins once more; `tries` counts them, this next one included. */
  z.object({ kind: z.literal('step.tried'), step, tries: z.number().int().min(2).max(100) }),
  /** All output of earlier commands of the step has been reported before this. */
  z.object({ kind: z.literal('command.started'), step, command }),
  z.object({ kind: z.literal('command.ended'), step, command, exitCode: z.number().int() }),
  /** Said a second time where a hook of the step failed and turned it red. */
  z.object({
    kind: z.literal('step.ended'),
    step,
    state: z.enum(STEP_STATES).exclude(['queued', 'running']),
    exitCode: z.number().int().nullable(),
    /** The step failed and may: the run goes on. */
    allowed: z.boolean(),
  }),
  /** The values that the job wrote to `$TAKT_OUTPUT`, all of them so far. */
  z.object({
    kind: z.literal('outputs'),
    values: z.record(z.string().max(100), z.string().max(MOST_LETTERS.value)),
  }),
  /** What the run took of the machine: its own peak of memory, and the processor's time. */
  z.object({
    kind: z.literal('usage'),
    peakMemoryBytes: z.number().int().min(0).nullable(),
    cpuMs: z.number().int().min(0).nullable(),
  }),
  /** A container of an image was begun; said once of each. */
  RanImage.extend({ kind: z.literal('image.ran') }),
  /** The server has the workspace as it was at this checkpoint. */
  z.object({
    kind: z.literal('checkpoint.kept'),
    position: z.number().int().positive().max(10_000),
    checkpoint: z.string().max(200),
    carried: Carried,
  }),
  /**
   * The last entry of a part: the server has the workspace, and the run stands before its gate. The lease ends with it.
   */
  z.object({ kind: z.literal('part.ended'), carried: Carried }),
  /** The last entry of a run; the server forgets the lease with it. */
  z.object({
    kind: z.literal('run.ended'),
    move: z.enum(['succeed', 'fail', 'break', 'cancel']),
    error: RunError.nullable(),
    /** Of the command that ended the run; null where none did. */
    exitCode: z.number().int().nullable(),
  }),
])
export type ReportEntry = z.output<typeof ReportEntry>

/** So many events wait to be noted; older ones are given up. */
export const MOST_TOLD = 100

/** Everything a runner can say in a text frame. */
export const RunnerSays = z.discriminatedUnion('say', [
  /** First word on every connection: who, which dialect, and which runs it still carries. */
  z.object({
    say: z.literal('hello'),
    dialect: z.number().int(),
    name: z.string().regex(/^[A-Za-z0-9._-]{1,100}$/),
    version: z.string().max(100),
    engine: z.object({
      kind: z.enum(['docker', 'local', 'scripted']),
      isolated: z.boolean(),
      words: z.string().max(500),
    }),
    slots: z.number().int().min(0).max(1_000),
    /** Between how many and how many slots it keeps, and this process of it, whose events have numbers. */
    pool: z
      .object({
        least: z.number().int().min(0).max(1_000),
        most: z.number().int().min(1).max(1_000),
        life: z.string().min(1).max(100),
      })
      .optional(),
    /** How many resources it checks at once, beside its runs; 0 where its engine has no images. */
    checks: z.number().int().min(0).max(100),
    labels: z.record(z.string().max(100), z.string().max(200)),
    /** Images that its operator lets run with all powers of root, each by its digest. */
    privileged: z.array(z.string().max(500)).max(100).optional(),
    carrying: z.array(z.object({ run: runId, lease })).max(1_000),
  }),
  /**
   * "I have room for this many more, having taken so many on this connection." Replaces what was said before. What was sent and
   * not taken yet comes out of that room.
   */
  z.object({
    say: z.literal('ready'),
    slots: z.number().int().min(0).max(1_000),
    taken: z.number().int().min(0),
  }),
  /** Renews the leases of the runs named; said every third of `leaseMs`. */
  z.object({ say: z.literal('alive'), carrying: z.array(z.object({ run: runId, lease })).max(1_000) }),
  z.object({ say: z.literal('report'), run: runId, lease, seq, entry: ReportEntry }),
  /** How the runner stands now, and what has happened to it since: told again until it was noted. */
  z.object({
    say: z.literal('standing'),
    slots: z.number().int().min(0).max(1_000),
    /** Why it can take no work, in words; null: it is well. */
    trouble: z.string().max(2_000).nullable(),
    events: z
      .array(
        z.object({
          seq: z.number().int().positive(),
          kind: z.enum(RUNNER_TELLS),
          words: z.string().max(2_000),
          slots: z.number().int().min(0).max(1_000).nullable(),
        }),
      )
      .max(MOST_TOLD),
  }),
  /**
   * What a check came to. Said once and not acknowledged: of a connection that is lost the server asks again, whoever is there.
   * `versions` are in the order in which the image told them, the oldest first.
   */
  z.object({
    say: z.literal('checked'),
    check: checkId,
    lease,
    outcome: z.union([
      z.object({ versions: z.array(CheckedVersion).max(MOST_CHECKED) }),
      z.object({ error: RunError }),
    ]),
  }),
  ...TerminalWord.options,
])
export type RunnerSays = z.output<typeof RunnerSays>

/** Everything the server can say. */
export const ServerSays = z.discriminatedUnion('say', [
  /** The answer to `hello`. */
  z.object({ say: z.literal('welcome'), leaseMs: z.number().int().positive() }),
  /** The connection is of no use; the reason is a sentence for the runner's log. The server closes after it. */
  z.object({ say: z.literal('refused'), reason: z.string() }),
  z.object({ say: z.literal('work'), lease, plan: Plan }),
  /** Everything up to and including `seq` is committed. */
  z.object({ say: z.literal('heard'), run: runId, seq: z.number().int().min(0) }),
  /** End the run as cancelled: it was asked for by a person or a newer commit. The lease stays until `run.ended`. */
  z.object({ say: z.literal('stop'), run: runId, reason: z.string() }),
  /** The run is no longer this runner's: stop it, report nothing more of it. */
  z.object({ say: z.literal('forget'), run: runId }),
  /** What people want of the runner, and how often they have told it to try its engine again. */
  z.object({ say: z.literal('steer'), mode: z.enum(RUNNER_MODES), resets: z.number().int().min(0) }),
  /** The runner's events up to and including `seq` are written down. */
  z.object({ say: z.literal('noted'), seq: z.number().int().min(0) }),
  /** Ask an image for the versions of a resource: those from `version` on, itself among them, or the newest where it is null. */
  z.object({
    say: z.literal('check'),
    check: checkId,
    lease,
    image: z.string(),
    source: z.record(z.string(), z.json()),
    /** The secrets that stand in it; left out where none do. */
    hidden: z.array(z.string()).optional(),
    version: CheckedVersion.nullable(),
    timeoutMs: z.number().int().positive(),
  }),
  ...TerminalOrder.options,
])
export type ServerSays = z.output<typeof ServerSays>

/** A frame holds at most this much log; the runner cuts at UTF-8 borders, so that each chunk can be read alone. */
export const LOG_CHUNK_BYTES = 256 * 1024

/**
 * Nothing that a runner says is longer, heads and all. The server closes a connection over a longer frame, and as the report of a
 * run is said again on the next one, the runner would never come back: so it says none.
 */
export const MOST_FRAME_BYTES = LOG_CHUNK_BYTES + 1024 * 1024
/** What may grow with what strangers write, the values of a run or the versions of a check, as JSON: so much fits a frame. */
export const MOST_TOLD_BYTES = 1_000_000
