import { sql } from 'kysely'
import type { DeliveryId, JobId, LaneId, PipelineId, RepositoryId, ResourceId } from '#pipelines/ids.ts'
import { parsePipeline } from '#pipelines/language/parse.ts'
import type { Pipeline } from '#pipelines/language/pipeline.ts'
import { isGit } from '#pipelines/language/resource.ts'
import type { Db } from '../../server/db/connect.ts'
import { toJson } from '../../server/db/to-json.ts'

/** A pipeline as a push would have brought it in, with one lane. */
export type SeededLine = {
  readonly project: string
  readonly definition: Pipeline
  readonly repository: RepositoryId
  readonly pipeline: PipelineId
  readonly lane: LaneId
  readonly jobs: ReadonlyMap<string, JobId>
  readonly resources: ReadonlyMap<string, ResourceId>
  /** The one that is said to have brought every commit. */
  readonly delivery: DeliveryId
}

/** Write a project, its pipeline `main` and its lane `main` straight into the tables. */
export async function seedLine(db: Db, project: string, text: string): Promise<SeededLine> {
  const { pipeline: definition, diagnostics } = parsePipeline(text)
  if (!definition) throw new Error(`the benchmark's own file is not valid: ${JSON.stringify(diagnostics[0])}`)
  const { id: repository } = await db
    .insertInto('repositories')
    .values({ kind: 'git', url: `https://git.example/${project}.git`, forge_id: null })
    .returning('id')
    .executeTakeFirstOrThrow()
  const { id: owner } = await db
    .insertInto('projects')
    .values({ name: project, repository_id: repository })
    .returning('id')
    .executeTakeFirstOrThrow()
  const { id: pipeline } = await db
    .insertInto('pipelines')
    .values({ project_id: owner, name: 'main', path: '.takt.yml' })
    .returning('id')
    .executeTakeFirstOrThrow()
  const { id: revision } = await db
    .insertInto('revisions')
    .values({
      pipeline_id: pipeline,
      sha: '0'.repeat(40),
      source: text,
      definition: toJson(definition),
      diagnostics: '[]',
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const { id: lane } = await db
    .insertInto('lanes')
    .values({
      pipeline_id: pipeline,
      name: 'main',
      revision_id: revision,
      newest_revision_id: revision,
      closed_at: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const jobs = await db
    .insertInto('jobs')
    .values(definition.jobs.map(({ name }) => ({ pipeline_id: pipeline, name })))
    .returning(['id', 'name'])
    .execute()
  const resources = await db
    .insertInto('resources')
    .values(
      definition.resources.filter(isGit).map(({ name, kind, branch }) => ({
        pipeline_id: pipeline,
        name,
        kind,
        repository_id: repository,
        branch,
      })),
    )
    .returning(['id', 'name'])
    .execute()
  const { id: delivery } = await db
    .insertInto('deliveries')
    .values({
      source: 'git',
      delivery_id: project,
      signature: null,
      event: 'push',
      repository_id: repository,
      body: Buffer.from('{}'),
      state: 'processed',
      reason: 'seeded',
      processed_at: new Date(),
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return {
    project,
    delivery,
    definition,
    repository,
    pipeline,
    lane,
    jobs: new Map(jobs.map((job) => [job.name, job.id])),
    resources: new Map(resources.map((resource) => [resource.name, resource.id])),
  }
}

/** The line whose history grows: a diamond, and beside it a version that every run of it shares. */
export const DIAMOND = `resources: { src: { git: . }, infra: { git: ., branch: infra } }
jobs:
  build: { get: { src: {}, infra: { trigger: false } }, run: make }
  lint: { needs: build, run: make lint }
  test: { needs: build, run: make test }
  ship: { needs: [lint, test], run: make ship }
`
const STAGES = ['build', 'lint', 'test', 'ship']

/**
 * A history of `size` commits and `size` green runs, written by PostgreSQL itself: the newest quarter of the commits went all the
 * way through the diamond, and every run has used the one version of `infra`.
 */
export async function seedHistory(db: Db, line: SeededLine, size: number): Promise<void> {
  await db.connection().execute(async (one) => {
    // What is written here refers to what is there: PostgreSQL need not ask about every row.
    await sql`set session_replication_role = replica`.execute(one)
    await sql`set work_mem = '256MB'`.execute(one)
    await writeHistory(one, line, size)
    await sql`reset session_replication_role`.execute(one)
    await sql`reset work_mem`.execute(one)
  })
  await sql`vacuum analyze`.execute(db)
}

async function writeHistory(db: Db, line: SeededLine, size: number): Promise<void> {
  const src = sql.lit(line.resources.get('src'))
  const infra = sql.lit(line.resources.get('infra'))
  const lane = sql.lit(line.lane)
  const stages = STAGES.map((name) => line.jobs.get(name))
  await sql`
    insert into versions (resource_id, lane_id, seq, name, body)
    select ${src}, ${lane}, i * 1000, substr(encode(sha256(i::text::bytea), 'hex'), 1, 40),
      jsonb_build_object('ref', 'refs/heads/main', 'message', 'Commit ' || i, 'author', 'Ann', 'before', null)
    from generate_series(1, ${size}::int) i`.execute(db)
  await sql`
    insert into versions (resource_id, lane_id, seq, name, body)
    values (${infra}, ${lane}, 1000, ${'f'.repeat(40)},
      '{"ref": "refs/heads/infra", "message": "Sticky", "author": "Ann", "before": null}')`.execute(db)
  const quarter = Math.floor(size / 4)
  await sql`
    insert into runs (job_id, lane_id, revision_id, number, state, reason, advances, attempt, started_at, ended_at, batch_id)
    select (${stages}::bigint[])[stage], ${lane}, (select revision_id from lanes where id = ${lane}), commit,
      'succeeded', 'seeded', true, 1, now(), now(), null
    from generate_series(1, ${quarter}::int) commit, generate_series(1, 4) stage
    order by commit, stage`.execute(db)
  await sql`
    insert into run_inputs (run_id, position, resource_id, version_id)
    select runs.id, 0, ${src}, versions.id from runs
    join versions on versions.resource_id = ${src} and versions.lane_id = ${lane}
      and versions.seq = (${size}::bigint - ${quarter}::bigint + runs.number) * 1000
    where runs.lane_id = ${lane}
    union all
    select runs.id, 1, ${infra}, (select id from versions where resource_id = ${infra}) from runs
    where runs.lane_id = ${lane}`.execute(db)
  await sql`
    insert into run_needs (run_id, job_id, upstream_id)
    select dependent.id, needed.job_id, needed.id from (values (2, 1), (3, 1), (4, 2), (4, 3)) edge (stage, needs)
    join runs dependent on dependent.job_id = (${stages}::bigint[])[edge.stage]
    join runs needed on needed.job_id = (${stages}::bigint[])[edge.needs] and needed.number = dependent.number
    where dependent.lane_id = ${lane}`.execute(db)
  await sql`
    insert into run_input_via (run_id, position, upstream_id)
    select run_needs.run_id, position, upstream_id from run_needs, generate_series(0, 1) position`.execute(db)
  await sql`
    insert into endings (job_id, lane_id, run_id, how)
    select job_id, lane_id, id, 'success' from runs where lane_id = ${lane} order by id`.execute(db)
  await sql`
    insert into ending_versions (job_id, lane_id, version_id, ending_id, resource_id)
    select endings.job_id, endings.lane_id, run_inputs.version_id, endings.id, run_inputs.resource_id
    from endings join run_inputs on run_inputs.run_id = endings.run_id where endings.lane_id = ${lane}`.execute(
    db,
  )
  await sql`
    insert into triggers (job_id, lane_id, kind, edge, version_id, fate, run_id, settled_at)
    select runs.job_id, runs.lane_id, 'version', 'src', run_inputs.version_id, 'run', runs.id, now()
    from runs join run_inputs on run_inputs.run_id = runs.id and position = 0 where runs.lane_id = ${lane}`.execute(
    db,
  )
}

/** A file of so many jobs in layers of ten, each needing three of the layer before. */
export function layeredFile(count: number): string {
  const jobs = Array.from({ length: count }, (_, index) => {
    const layer = Math.floor(index / 10)
    const needs = [0, 1, 2].map((step) => `j${(layer - 1) * 10 + ((index + step * 3) % 10)}`)
    return layer === 0
      ? `  j${index}: { get: src, run: make }`
      : `  j${index}: { needs: [${needs.join(', ')}], run: make }`
  })
  return `resources: { src: { git: . } }\njobs:\n${jobs.join('\n')}\n`
}
