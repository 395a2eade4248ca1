import type { RunId } from '#pipelines/ids.ts'
import type { Job, Pipeline } from '#pipelines/language/pipeline.ts'
import type { Values } from '#pipelines/language/expression/interpolate.ts'
import { compilePlan, valuesOfRun } from '#pipelines/plan/compile.ts'
import type { InputFacts } from '#pipelines/plan/compile-facts.ts'
import { branchOf } from '#pipelines/plan/secret-scopes.ts'
import { audienceOf, ID_TOKEN, isTrusted, secretNames } from '#pipelines/plan/secrets-in.ts'
import type { Checkout, Plan } from '#pipelines/wire/plan.ts'
import type { RunError } from '#pipelines/wire/runner.ts'
import { definitionIn } from '../catalog/definitions.ts'
import { ofProject } from '../catalog/queries.ts'
import type { Trx } from '../db/connect.ts'
import type { VersionBody } from '../db/schema.ts'
import { fieldsOfVersion } from '../resources/fields.ts'
import { idToken } from '../secrets/id-token.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { openSecrets, type Opened as OpenedSecrets } from '../secrets/open.ts'
import { Unsealable } from '../secrets/seal.ts'
import type { Fetched, Stores, Wanted } from '../secrets/stores/stores.ts'
import { callbackUrls } from './callback-url.ts'
import { goesOnOf } from './handovers.ts'
import type { LockedRun } from './lock-run.ts'
import { passportOf } from './passport-of.ts'
import { remotesOf } from './remotes-of.ts'
import { startsOf } from './starts-of.ts'
import { upstreamOf } from './upstream-of.ts'

export type RepositoryOf = {
  readonly kind: 'hosted' | 'git' | 'github'
  readonly url: string
  readonly ofProject: boolean
}
export type Opened = Pick<Checkout, 'url' | 'credential'>

/** How a runner gets at a repository: the address and what opens it. */
export type CheckoutOf = (repository: RepositoryOf, run: { id: RunId; lease: string }) => Opened

/** What opens the things that a plan names. */
export type Opening = {
  readonly checkoutOf: CheckoutOf
  /** What the values of secrets are sealed with. */
  readonly keys: Keyring
  /** Where else secrets lie. */
  readonly stores: Stores
  /** The server as others know it, who trust its tokens. */
  readonly issuer: () => string
}

type Asked = Omit<Opening, 'stores'> & { readonly lease: string; readonly fetched: Fetched }

/**
 * The run's plan: its job as its revision says, and the versions it was created with; or why there can be none; or the secrets that
 * have to be fetched first, which nothing waits for here.
 */
export async function planOf(
  db: Trx,
  run: LockedRun,
  { checkoutOf, keys, issuer, lease, fetched }: Asked,
): Promise<Plan | { error: RunError } | { wanted: readonly Wanted[] }> {
  const revision = await definitionIn(db, run.revision_id)
  const job = revision?.definition.jobs.find((candidate) => candidate.name === run.job)
  if (!revision || !job)
    return { error: { code: 'plan_impossible', message: `The run's revision has no job \`${run.job}\`.` } }
  const opened = (repository: RepositoryOf) => checkoutOf(repository, { id: run.id, lease })
  const inputs = await inputsOf(db, run.id)
  const facts = inputs.map((input) => inputFacts(input, opened))
  const asked = { job, known: revision.definition, keys, issuer, inputs: facts, fetched }
  const secrets = await secretsOf(db, run, asked)
  if ('error' in secrets) return secrets
  if (secrets.wanted.length > 0) return { wanted: secrets.wanted }
  const plan = compilePlan({
    run: run.id,
    project: run.project,
    pipeline: run.pipeline,
    lane: run.lane,
    kind: run.lane_kind,
    attempt: run.attempt,
    job,
    known: revision.definition,
    inputs: facts,
    upstream: await upstreamOf(db, run.id),
    matrix: run.matrix,
    given: run.given,
    answers: run.answers,
    told: run.told,
    secrets: secrets.values,
    unmeant: secrets.unmeant,
    remotes: await remotesOf(db, { pipeline: run.pipeline_id, job }, opened),
    statesLeft: await statesLeftOn(db, run),
    callbacks: await callbacksOf(db, run, { job, keys, issuer }),
    holdMs: await holdMsOf(db, run.id),
    url: issuer(),
    goesOn: await goesOnOf(db, run),
  })
  return 'impossible' in plan ? { error: { code: 'plan_impossible', message: plan.impossible } } : plan
}

/** What the texts of the run's job can name, before anybody asks for a plan. */
export async function valuesFor(db: Trx, run: LockedRun, job: Job): Promise<Values> {
  const inputs = await inputsOf(db, run.id)
  return valuesOfRun({
    run: run.id,
    project: run.project,
    pipeline: run.pipeline,
    lane: run.lane,
    kind: run.lane_kind,
    attempt: run.attempt,
    job,
    inputs: inputs.map(({ resource, name, body }) => ({ resource, fields: fieldsOfVersion({ name, body }) })),
    upstream: await upstreamOf(db, run.id),
    matrix: run.matrix,
    given: run.given,
    answers: run.answers,
    told: run.told,
  })
}

type SecretsAsked = {
  readonly job: Job
  readonly known: Pick<Pipeline, 'resources' | 'resourceTypes'>
  readonly keys: Keyring
  readonly issuer: () => string
  readonly inputs: readonly InputFacts[]
  readonly fetched: Fetched
}
const NO_SECRETS: OpenedSecrets = { values: {}, unmeant: {}, wanted: [] }

/** The secrets that the run's job may see; of a stranger's code none is even opened. */
async function secretsOf(
  db: Trx,
  run: LockedRun,
  { job, known, keys, fetched, ...more }: SecretsAsked,
): Promise<OpenedSecrets | { error: RunError }> {
  if (!isTrusted(run.lane_kind)) return NO_SECRETS
  const names = secretNames(job, known)
  const audience = audienceOf(job)
  if (names.length === 0 && audience === null) return NO_SECRETS
  try {
    const branch = branchOf({ name: run.lane, kind: run.lane_kind })
    const starts = await startsOf(db, run.id)
    const asking = { job: job.name, environment: job.environment, branch, starts }
    const named = { project: run.project_id, names, asking }
    const opened = await openSecrets(db, named, { keys, fetched })
    if (audience === null || opened.wanted.length > 0) return opened
    const passport = await passportOf(db, run, { job, inputs: more.inputs })
    const asked = { issuer: more.issuer(), audience, livesMs: job.timeoutMs, passport }
    return { ...opened, values: { ...opened.values, [ID_TOKEN]: await idToken(db, keys, asked) } }
  } catch (error) {
    if (!(error instanceof Unsealable)) throw error
    return { error: { code: 'secret_unreadable', message: `${error.message}.` } }
  }
}

/** One-time addresses let a run go on behind a gate: of a stranger's code none is given out. */
const callbacksOf = async (
  db: Trx,
  run: LockedRun,
  { job, keys, issuer }: Pick<SecretsAsked, 'job' | 'keys' | 'issuer'>,
): Promise<Readonly<Record<string, string>>> =>
  isTrusted(run.lane_kind) ? callbackUrls(db, run, { job, publicUrl: issuer(), key: keys.newest.text }) : {}

const holdMsOf = async (db: Trx, id: RunId): Promise<number> =>
  (await db.selectFrom('runs').select('hold_ms').where('id', '=', id).executeTakeFirstOrThrow()).hold_ms

type Input = Awaited<ReturnType<typeof inputsOf>>[number]

function inputFacts(
  { resource, name, body, kind, url, ofProject: known }: Input,
  opened: (repository: RepositoryOf) => Opened,
): InputFacts {
  const fields = fieldsOfVersion({ name, body })
  if (kind === null || url === null || 'fields' in body)
    return { resource, version: folderOf(body) ?? name, fields, checkout: null }
  return {
    resource,
    version: name,
    fields,
    checkout: { ...opened({ kind, url, ofProject: known }), ref: body.ref },
  }
}

/** What holds files is fetched by the folder's name; where nothing was stored yet it is the empty one. */
const folderOf = (body: VersionBody): string | null =>
  'fields' in body && body.folder !== undefined ? (body.folder ?? '') : null

const inputsOf = (db: Trx, id: RunId) =>
  db
    .selectFrom('run_inputs')
    .innerJoin('versions', 'versions.id', 'run_inputs.version_id')
    .innerJoin('resources', 'resources.id', 'run_inputs.resource_id')
    .leftJoin('repositories', 'repositories.id', 'resources.repository_id')
    .select([
      'resources.name as resource',
      'versions.name',
      'versions.body',
      'repositories.kind',
      'repositories.url',
      ofProject.as('ofProject'),
    ])
    .where('run_inputs.run_id', '=', id)
    .orderBy('run_inputs.position')
    .execute()

/** The jobs of the pipeline that have a state on the run's lane. */
async function statesLeftOn(db: Trx, run: LockedRun): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('jobs')
    .select('jobs.name')
    .where('jobs.pipeline_id', '=', run.pipeline_id)
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('job_states')
          .select('job_states.id')
          .whereRef('job_states.job_id', '=', 'jobs.id')
          .where('job_states.lane_id', '=', run.lane_id),
      ),
    )
    .execute()
  return new Set(rows.map(({ name }) => name))
}
