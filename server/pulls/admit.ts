import { sql } from 'kysely'
import type { DeliveryId, PipelineId, RevisionId } from '#pipelines/ids.ts'
import type { Pipeline } from '#pipelines/language/pipeline.ts'
import { asksFirst, laneOfBranch, type PullFact, pullRefusal } from '#pipelines/plan/lanes.ts'
import type { PullHeadState } from '#pipelines/states.ts'
import { definitionOf } from '../catalog/definitions.ts'
import type { ProjectRow } from '../catalog/queries.ts'
import type { Trx } from '../db/connect.ts'
import { storable } from '../db/to-json.ts'
import type { Tx } from '../db/transact.ts'
import { endRuns } from './lane-runs.ts'

/** A commit of a fork that wants to be run, as a delivery told of it. */
export type ForkHead = {
  readonly pull: PullFact & { readonly number: number; readonly title: string; readonly author: string }
  readonly sha: string
  readonly delivery: DeliveryId
}
/** The file in force where a fork's commit wants to go. */
export type Target = {
  readonly revision: RevisionId
  readonly definition: Pipeline
  /** The names that ever were a state's there. */
  readonly states: readonly string[]
}
/** The pipelines that a fork's commit may run in, by name; and of the others why not. */
export type Admission = { readonly targets: ReadonlyMap<string, Target>; readonly words: readonly string[] }

/**
 * What becomes of a fork's commit is said by the files in force where it wants to go, and by who has approved it: by nothing that it
 * brings itself. Where somebody has to be asked, they are.
 */
export async function admit(tx: Tx, project: ProjectRow, head: ForkHead): Promise<Admission> {
  const { pull, sha } = head
  const targets = new Map<string, Target>()
  const words: string[] = []
  const asking = new Map<string, Target>()
  const say = (pipeline: string, why: string) =>
    words.push(`${project.name}/${pipeline}: pr/${pull.number} ${why}`)
  for (const pipeline of project.pipelines) {
    const target = await targetOf(tx.db, project, { pipeline, base: pull.base })
    if (!target) continue
    const { triggers } = target.definition
    const refusal = pullRefusal(pull, triggers)
    if (refusal !== null) say(pipeline, refusal)
    else (asksFirst(pull, triggers) ? asking : targets).set(pipeline, target)
  }
  if (asking.size === 0) return { targets, words }
  const state = await ask(tx, project, { ...head, pipelines: [...asking.keys()] })
  if (state === 'approved') return { targets: new Map([...targets, ...asking]), words }
  for (const pipeline of asking.keys()) say(pipeline, `comes from a fork: ${sha.slice(0, 7)} ${WORDS[state]}`)
  return { targets, words }
}

const WORDS: Readonly<Record<Exclude<PullHeadState, 'approved'>, string>> = {
  waiting: 'waits for an approval',
  rejected: 'was rejected',
  replaced: 'is its head no more',
  closed: 'is of a pull request that is over',
}

/** The good file of the branch that a pull request is to be merged into; the default branch's where that one has none. */
async function targetOf(
  db: Trx,
  { id, default_branch }: ProjectRow,
  { pipeline, base }: { readonly pipeline: string; readonly base: string },
): Promise<Target | null> {
  for (const branch of new Set([base, default_branch])) {
    const lane = await db
      .selectFrom('lanes')
      .innerJoin('pipelines', 'pipelines.id', 'lanes.pipeline_id')
      .select(['lanes.id', 'lanes.pipeline_id'])
      .where('pipelines.project_id', '=', id)
      .where('pipelines.name', '=', pipeline)
      .where('lanes.name', '=', laneOfBranch(branch))
      .executeTakeFirst()
    const current = lane && (await definitionOf(db, lane.id))
    if (current)
      return {
        ...{ revision: current.id, definition: current.definition },
        states: await statesOf(db, lane.pipeline_id),
      }
  }
  return null
}

async function statesOf(db: Trx, pipeline: PipelineId): Promise<string[]> {
  const rows = await db
    .selectFrom('resources')
    .select('name')
    .where('pipeline_id', '=', pipeline)
    .where('was_state', '=', true)
    .execute()
  return rows.map(({ name }) => name)
}

type Asking = ForkHead & { readonly pipelines: readonly string[] }

/** Ask about a commit, once; a newer one of the pull request takes its place, and ends what the older one has under way. */
async function ask(tx: Tx, project: ProjectRow, head: Asking): Promise<PullHeadState> {
  const { pull, sha, delivery } = head
  const of = { project: project.id, number: pull.number }
  const heads = await headsOf(tx.db, of)
  const known = heads.find((each) => each.sha === sha)
  if (known?.state === 'approved' || known?.state === 'rejected' || known?.state === 'waiting')
    return known.state
  if (heads.some((each) => each.sha !== sha && each.delivery_id > delivery)) return 'replaced'
  await tx.db
    .updateTable('pull_heads')
    .set({ state: 'replaced', closed_at: sql<Date>`now()` })
    .where('project_id', '=', project.id)
    .where('number', '=', pull.number)
    .where('state', '=', 'waiting')
    .execute()
  await tx.db
    .insertInto('pull_heads')
    .values({
      ...{ project_id: project.id, number: pull.number, sha, delivery_id: delivery, base: pull.base },
      ...{ title: storable(pull.title), author: storable(pull.author) },
      ...{ decided_by: null, comment: null, closed_at: null },
    })
    .onConflict((oc) =>
      oc.columns(['project_id', 'number', 'sha']).doUpdateSet({
        state: 'waiting',
        closed_at: null,
        delivery_id: delivery,
        asked_at: sql<Date>`now()`,
      }),
    )
    .execute()
  const reason = `superseded: ${sha.slice(0, 7)} is the head now, and waits for an approval`
  await endRuns(tx, { ...of, pipelines: head.pipelines }, reason)
  tx.emit({ kind: 'pull.moved', project: project.name, number: pull.number, state: 'waiting' })
  return 'waiting'
}

const headsOf = (db: Trx, { project, number }: { project: ProjectRow['id']; number: number }) =>
  db
    .selectFrom('pull_heads')
    .select(['sha', 'state', 'delivery_id'])
    .where('project_id', '=', project)
    .where('number', '=', number)
    .forUpdate()
    .execute()

/** The pull request is over: nobody is asked about it any more. */
export async function stopAsking(tx: Tx, project: ProjectRow, number: number): Promise<void> {
  const closed = await tx.db
    .updateTable('pull_heads')
    .set({ state: 'closed', closed_at: sql<Date>`now()` })
    .where('project_id', '=', project.id)
    .where('number', '=', number)
    .where('state', '=', 'waiting')
    .returning('id')
    .executeTakeFirst()
  if (closed) tx.emit({ kind: 'pull.moved', project: project.name, number, state: 'closed' })
}
