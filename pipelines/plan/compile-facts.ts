import type { RunId } from '../ids.ts'
import type { Job, Pipeline } from '../language/pipeline.ts'
import type { Checkout, Ending, Resume } from '../wire/plan.ts'
import type { Leg } from './matrix.ts'
import type { SecretFacts } from './secrets-in.ts'
import type { InputFields } from './values.ts'

/** A version that a run takes, and how a runner gets at it. */
export type InputFacts = InputFields & {
  /** The version's name. */
  readonly version: string
  /** Of a commit: where it is fetched from; null for every other kind. */
  readonly checkout: Pick<Checkout, 'url' | 'credential' | 'ref'> | null
}

/** A run that one of this run's needs was satisfied by, or one further up. */
type UpstreamFacts = {
  readonly job: string
  readonly run: RunId
  /** The values it wrote to `$TAKT_OUTPUT`; of a matrix those of all legs. */
  readonly outputs: Readonly<Record<string, string>>
  /** Whether the run itself names the job in its needs: whose files and state it gets. */
  readonly direct: boolean
  /** The runs whose kept files it hands on, in their order: itself, or the legs of its matrix; empty where nothing was kept. */
  readonly kept: readonly RunId[]
}

/** A run that does not begin with its job's first step. */
export type GoesOn = {
  /** The first step of this part, among those at the top of the job. */
  readonly position: number
  /** The number of the runner's own first step in this part. */
  readonly first: number
  /** What the parts before left; null where no runner had the run yet. */
  readonly resume: Resume | null
  /** How long runners had the run before. */
  readonly ranMs: number
  /** What the run came to at a gate, when only its hooks are left to do; null otherwise. */
  readonly ending: Ending | null
}

/** A run and its frozen inputs, as the compiler needs them. */
export type CompileFacts = SecretFacts & {
  readonly run: RunId
  readonly pipeline: string
  readonly lane: string
  readonly attempt: number
  readonly job: Job
  /** What the job can name: its pipeline's resources and types. */
  readonly known: Pick<Pipeline, 'resources' | 'resourceTypes'>
  /** In the order of the job: the first git resource is the working directory. */
  readonly inputs: readonly InputFacts[]
  readonly upstream: readonly UpstreamFacts[]
  /** The leg that the run is; null where the job has no matrix. */
  readonly matrix: Leg | null
  /** What a person filled in; null where nobody was asked, and the form's presets count. */
  readonly given: Readonly<Record<string, string>> | null
  /** What was filled in at its gates; null where nothing was. */
  readonly answers: Readonly<Record<string, string>> | null
  /** What its waits heard: by the resource, or `callback`, and then by path. */
  readonly told?: Readonly<Record<string, Readonly<Record<string, string>>>> | null
  /** Where a git resource is pushed to, and what opens it. */
  readonly remotes: ReadonlyMap<string, Pick<Checkout, 'url' | 'credential'>>
  /** Jobs of the pipeline that have left a state on the lane. */
  readonly statesLeft: ReadonlySet<string>
  readonly holdMs: number
  /** The server as its people know it. */
  readonly url?: string
  /** Null, or left out: it begins with the first step. */
  readonly goesOn?: GoesOn | null
}
