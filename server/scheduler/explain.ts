import { sql } from 'kysely'
import type { z } from 'zod'
import { chooseByHand } from '#pipelines/plan/choose.ts'
import { decide } from '#pipelines/plan/decide.ts'
import { DIALECT, type DueRun, type Facts } from '#pipelines/plan/facts.ts'
import type { RunId } from '#pipelines/ids.ts'
import type { RunState } from '#pipelines/states.ts'
import type { Db } from '../db/connect.ts'
import { Problem } from '../problem.ts'
import type { Explanation } from './shapes.ts'

type Explained = z.output<typeof Explanation>
type Decided = Explained['decided']

/**
 * Why a run came to be: what the planner saw, what was decided, and what the same facts decide now.
 *
 * @throws {Problem} `run-not-found`; `other-dialect` where another version of the planner wrote the facts.
 */
export async function explainRun(db: Db, id: RunId): Promise<Explained> {
  const { rows } = await recorded(id).execute(db)
  const [row] = rows
  if (!row) throw new Problem('run-not-found', `there is no run ${id}`)
  if (row.dialect !== null && row.dialect !== DIALECT) throw unreadable(id, row)
  const decided = decidedOf(row)
  const told = { run: id, facts: row.facts, decided }
  if (row.facts === null && row.retry_of !== null) {
    const before = (await recorded(row.retry_of).execute(db)).rows[0]
    const replay = before ? [decidedOf(before)] : []
    return { ...told, how: 'again', replay, same: replay.some(sameInputs(decided)) }
  }
  if (row.facts === null) return { ...told, how: 'unrecorded', replay: [], same: false }
  if (row.by_hand) {
    const replay = chosenBy(row.facts).map(toDecided)
    return { ...told, how: 'by hand', replay, same: replay.some(sameInputs(decided)) }
  }
  const replay = decide(row.facts).runs.map(toDecided)
  return { ...told, how: 'planned', replay, same: replay.some(sameIn(decided)) }
}

function chosenBy(facts: Facts): DueRun[] {
  const chosen = facts.inputs.flatMap(({ resource, chosen: version }) =>
    version ? [[resource, version.id] as const] : [],
  )
  const due = chooseByHand(facts, new Map(chosen))
  return 'problem' in due ? [] : [due]
}

const unreadable = (id: RunId, { dialect, reason }: Pick<Row, 'dialect' | 'reason'>) =>
  new Problem(
    'other-dialect',
    `run ${id} was decided on by another version of the planner, whose facts (form ${dialect}) this one (form ${DIALECT}) would misread; what was said then: ${reason}`,
  )

type Row = {
  readonly state: RunState
  readonly reason: string
  readonly start: DueRun['start']
  readonly advances: boolean
  readonly retry_of: RunId | null
  readonly by_hand: boolean
  readonly facts: Facts | null
  readonly dialect: number | null
  readonly inputs: Decided['inputs']
  readonly upstreams: Decided['upstreams']
}

/** A run as it was created. All runs of a matrix have the facts of the first one; a retry has none of its own. */
const recorded = (id: RunId) => sql<Row>`
  select runs.state, runs.reason, runs.start, runs.advances, runs.retry_of, runs.created_by is not null as by_hand,
    run_facts.facts, run_facts.dialect,
    coalesce((
      select jsonb_agg(jsonb_build_object(
        'resource', resources.name, 'version', versions.name,
        'from_runs', array(select upstream_id from run_input_via via
          where via.run_id = run_inputs.run_id and via.position = run_inputs.position order by upstream_id)
      ) order by run_inputs.position)
      from run_inputs join resources on resources.id = run_inputs.resource_id
      join versions on versions.id = run_inputs.version_id where run_inputs.run_id = runs.id
    ), '[]') as inputs,
    coalesce((
      select jsonb_agg(jsonb_build_object('job', jobs.name, 'run', run_needs.upstream_id) order by jobs.name)
      from run_needs join jobs on jobs.id = run_needs.job_id where run_needs.run_id = runs.id
    ), '[]') as upstreams
  from runs left join run_facts
    on run_facts.run_id = case when runs.retry_of is null then coalesce(runs.batch_id, runs.id) else runs.id end
  where runs.id = ${id}`

const decidedOf = ({ inputs, upstreams, start, reason, advances, state }: Row): Decided => ({
  ...{ inputs, upstreams, start, reason, advances },
  skip: state === 'skipped' ? reason : null,
})

/** What was passed through is told with the reason for that, and holds no place. */
const toDecided = ({ inputs, upstreams, start, reason, advances, skip }: DueRun): Decided => ({
  inputs: inputs.map(({ resource, version, via }) => ({
    resource,
    version: version.name,
    from_runs: via.toSorted((a, b) => a - b),
  })),
  upstreams: upstreams.toSorted((a, b) => (a.job < b.job ? -1 : 1)).map(({ job, run }) => ({ job, run })),
  start: skip === null ? start : 'settled',
  reason: skip ?? reason,
  advances,
  skip,
})

const text = (value: unknown) => JSON.stringify(value)
const sameInputs = (a: Decided) => (b: Decided) => text([sorted(a), byJob(a)]) === text([sorted(b), byJob(b)])
const sameIn = (a: Decided) => (b: Decided) =>
  sameInputs(a)(b) &&
  text([a.start, a.reason, a.advances, a.skip]) === text([b.start, b.reason, b.advances, b.skip])

/** In one order of words and of keys, whoever made them. */
const sorted = ({ inputs }: Decided) =>
  inputs.map(({ resource, version, from_runs }) => [resource, version, from_runs])
const byJob = ({ upstreams }: Decided) => upstreams.map(({ job, run }) => `${job} ${run}`).toSorted()
