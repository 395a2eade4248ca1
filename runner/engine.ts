import type { Readable } from 'node:stream'
import type { RunId } from '#pipelines/ids.ts'
import type { RanImage } from '#pipelines/wire/images.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import type { ReportEntry } from '#pipelines/wire/runner.ts'

/** How a step, or the shell it ran in, came to its end: 0 is good, everything else is the author's. */
export type ExitStatus = {
  readonly exitCode: number
  /** The cause where the engine knows it: `out_of_memory`, `pids_exhausted`, `disk_full`. */
  readonly error: { readonly code: string; readonly message: string } | null
  /** What stands in `$TAKT_OUTPUT` at the step's end; null where nothing does. */
  readonly output: string | null
  /** Whether anything stands in `$TAKT_STATE` at the step's end. */
  readonly stateTouched: boolean
}

/** The status of what left nothing behind but its exit code. */
export const exited = (exitCode: number): ExitStatus => ({
  exitCode,
  error: null,
  output: null,
  stateTouched: false,
})

/** What a step gives while it runs, in true order; a command's output lies between its two boundaries. */
export type Output =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'command.started'; readonly command: number }
  | { readonly kind: 'command.ended'; readonly command: number; readonly exitCode: number }

/** How a step of the report ended. */
export type StepEnd = Pick<Extract<ReportEntry, { kind: 'step.ended' }>, 'state' | 'exitCode'>

export type OpenOptions = {
  readonly signal: AbortSignal
  /** A line for the run's `prepare` step, also later; resolves when the log has room for more. */
  readonly say: (text: string) => Promise<void>
  /** A container of an image is about to run what is the run's; also later, and maybe more than once of the same. */
  readonly ran?: (image: RanImage) => void
  /** A service is being started, by its step number; whatever it says comes after this. */
  readonly serviceStarted?: (step: number) => void
  /** Output of a service; resolves when the log has room for more. */
  readonly heard?: (step: number, bytes: Uint8Array) => Promise<void>
  /** A service is over: nothing more is heard of it. Not called for one that lives until the workspace is disposed of. */
  readonly serviceEnded?: (step: number, end: StepEnd) => void
}

/** Where runs are executed. */
export interface Engine {
  readonly kind: 'docker' | 'local' | 'scripted'
  /** Whether a run is kept away from the machine and from other runs. */
  readonly isolated: boolean
  /** Which engine it is, for people, e.g. `Docker 28.0.1`. */
  readonly words: string
  /**
   * Make a run its place: a clean directory that holds the plan's commit, services that are healthy, a shell that waits.
   *
   * @param options.signal  On abort, whatever was made is unmade and the reason is thrown.
   * @throws {EngineError} When the place could not be made; `code` says whose part failed.
   */
  open(plan: Plan, options: OpenOptions): Promise<Workspace>
  /**
   * Resolves where the engine can take work; it is asked now and then.
   *
   * @throws {Error} With what is wrong, in words.
   */
  check?(signal: AbortSignal): Promise<void>
  /** Remove what earlier lives of this runner left behind, except for the runs named. Safe at any time; never another runner's. */
  sweep(keep: ReadonlySet<RunId>): Promise<void>
  /** Give back what was made ahead of time for runs to come. Said last, after all workspaces are disposed of. */
  close(): Promise<void>
}

/** The folders of a workspace, the same on every engine; paths below are relative to their common root. */
export const FOLDERS = { work: 'work', inputs: 'inputs', state: 'state', states: 'states' } as const
/** The file behind `$TAKT_OUTPUT`. */
export const OUTPUT_FILE = 'output'
/** The folder in which tools keep what they have fetched, a folder for each cache. */
export const CACHES = 'caches'
/** All that goes over to another workspace. */
export const CONTENTS: readonly string[] = [...Object.values(FOLDERS), CACHES, OUTPUT_FILE]

/**
 * The place of one run. Disposing ends every process of it at once and removes everything; safe twice, never throws (what
 * could not be removed is logged, and swept at the next start).
 */
export interface Workspace extends AsyncDisposable {
  /** Where its root lies, as the commands see it: `/takt` in a container. */
  readonly root: string
  /**
   * A shell of its own in a container of `image` (null: the job's). Steps go through one shell one after the other; those that
   * run at the same time need one each. After a step that broke its shell another one has to be asked for.
   *
   * @throws {EngineError} When there can be none.
   */
  shell(image: string | null, signal: AbortSignal): Promise<Shell>
  /** The files at `path`, e.g. `work/dist`, as a tar stream whose first entry is named like the path's last part; null where nothing is. Links are not followed. */
  read(path: string, signal: AbortSignal): Promise<Readable | null>
  /** Unpack a tar stream below the folder `path`, which is made where it is missing. Whatever the stream holds cannot leave the workspace. */
  write(path: string, tar: Readable, signal: AbortSignal): Promise<void>
  /**
   * Unpack what another workspace was made of: its folders with all that is in them, names from the root on. Modes, times and
   * owners are as they were (owners where the engine has users), and links point where they pointed, whatever is there.
   */
  restore(tar: Readable, signal: AbortSignal): Promise<void>
  /**
   * The container of `image` (null: the job's), as the engine knows it, for a terminal in it; one that has ended is begun anew,
   * on the same files. Null where no step had one of that image.
   */
  container?(image: string | null, signal: AbortSignal): Promise<string | null>
  /** What the run took so far; null for what the engine cannot tell. */
  usage(): Promise<Usage>
}

export type Usage = { readonly peakMemoryBytes: number | null; readonly cpuMs: number | null }

/** One step's commands, and the variables they see; the first command that fails ends the step. */
export type Script = {
  readonly commands: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** A shell that is fed one step after the other. */
export interface Shell {
  /** Whether it waits for a step. One that was left in the middle of a step never does again. */
  readonly usable: boolean
  /**
   * Run one step, begun in the folder `work`, yielding output and command boundaries as they come, byte-exact. Bytes are good
   * until more is asked for: who keeps them makes a copy.
   *
   * Where the reader does not ask for more, the commands are made to wait. A step that fails is an answer, not an error: the
   * generator returns its exit code.
   *
   * @param signal  On abort the step's own processes end: SIGTERM, SIGKILL after the reason's grace. Output goes on until the
   *   end, then the reason is thrown; the workspace stays as it is, for hooks.
   * @throws {EngineError} When the engine could not go on.
   */
  run(script: Script, signal: AbortSignal): AsyncGenerator<Output, ExitStatus>
}

/** The machine's or our failure, never the author's: the run breaks with this code and sentence. */
export class EngineError extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'EngineError'
    this.code = code
  }
}

/** A step that is no commands (a get, a put) has failed, by what its author or its image did; the message is for its log. */
export class StepFailed extends Error {
  readonly exitCode: number
  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StepFailed'
    this.exitCode = exitCode
  }
}
