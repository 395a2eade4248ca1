import type { RunId } from '#pipelines/ids.ts'
import type { Plan } from '#pipelines/wire/plan.ts'

/** How a step, or the shell it ran in, came to its end: 0 is good, everything else is the author's. */
export type ExitStatus = {
  readonly exitCode: number
  readonly error: { readonly code: string; readonly message: string } | null
}

/** What a step gives while it runs, in true order; a command's output lies between its two boundaries. */
export type Output =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'command.started'; readonly command: number }
  | { readonly kind: 'command.ended'; readonly command: number; readonly exitCode: number }

export type OpenOptions = {
  readonly signal: AbortSignal
  /** A line for the run's `prepare` step; resolves when the log has room for more. */
  readonly say: (text: string) => Promise<void>
}

/** Where runs are executed. */
export interface Engine {
  readonly kind: 'docker' | 'local' | 'scripted'
  /** Whether a run is kept away from the machine and from other runs. */
  readonly isolated: boolean
  /** Which engine it is, for people, e.g. `Docker 28.0.1`. */
  readonly words: string
  /**
   * Make a run its place: a clean directory that holds the plan's commit, and a shell that waits in it.
   *
   * @param options.signal  On abort, whatever was made is unmade and the reason is thrown.
   * @throws {EngineError} When the place could not be made; `code` says whose part failed.
   */
  open(plan: Plan, options: OpenOptions): Promise<Workspace>
  /** Remove what earlier lives of this runner left behind, except for the runs named. Safe at any time; never another runner's. */
  sweep(keep: ReadonlySet<RunId>): Promise<void>
}

/**
 * The place of one run. Disposing ends every process of it at once and removes everything; safe twice, never throws (what
 * could not be removed is logged, and swept at the next start).
 */
export interface Workspace extends AsyncDisposable {
  /**
   * Run the plan's step at `index`, yielding output and command boundaries as they come, byte-exact.
   *
   * Steps are run in order, each once, the first after `open`. Where the reader does not ask for more, the commands are made
   * to wait. A step that fails is an answer, not an error: the generator returns its exit code.
   *
   * @param signal  On abort: SIGTERM, SIGKILL after the reason's grace; output goes on until the end, then the reason is thrown.
   * @throws {EngineError} When the engine could not go on.
   */
  run(index: number, signal: AbortSignal): AsyncGenerator<Output, ExitStatus>
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
