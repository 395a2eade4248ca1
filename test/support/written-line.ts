import { sql } from 'kysely'
import { parsePipeline } from '#pipelines/language/parse.ts'
import type { ProjectId } from '#pipelines/ids.ts'
import type { Db } from '../../server/db/connect.ts'

const FILE = `triggers: { push: [main] }
resources: { src: { git: . }, image: { registry: r.io/shop, login: X } }
jobs:
  build: { image: "b:1", get: src, run: x }
  publish: { image: "b:1", needs: build, put: { image: { build: . } } }
  stage: { image: "b:1", needs: publish, environment: staging, run: x }
  deploy: { image: "b:1", needs: stage, environment: production, run: x }
environments: { staging: {}, production: {} }
`
export const COMMIT = (letter: string) => letter.repeat(40)

/** A line whose history a test writes row by row: what stands in the tables is what a trace is made of. */
export async function lineIn(db: Db) {
  const insert = async (table: string, row: Record<string, unknown>): Promise<number> => {
    const columns = sql.join(Object.keys(row).map((name) => sql.ref(name)))
    const { rows } = await sql<{ id: number }>`
      insert into ${sql.table(table)} (${columns}) values (${sql.join(Object.values(row))}) returning *`.execute(
      db,
    )
    return rows[0]?.id ?? 0
  }
  const { pipeline: definition } = parsePipeline(FILE)
  if (!definition) throw new Error('the file of this test is wrong')
  const repository = await insert('repositories', { kind: 'hosted', url: 'shop' })
  const project = await insert('projects', { name: 'shop', repository_id: repository })
  const pipeline = await insert('pipelines', { project_id: project, name: 'main', path: '.takt.yml' })
  const file = { pipeline_id: pipeline, sha: 'x', source: FILE, diagnostics: '[]' }
  const revision = await insert('revisions', { ...file, definition: JSON.stringify(definition) })
  const lane = await insert('lanes', { pipeline_id: pipeline, name: 'main', revision_id: revision })
  const jobs = new Map<string, number>()
  for (const { name } of definition.jobs)
    jobs.set(name, await insert('jobs', { pipeline_id: pipeline, name }))
  const at = { pipeline_id: pipeline }
  const resources = {
    src: await insert('resources', { ...at, name: 'src', kind: 'git', repository_id: repository }),
    image: await insert('resources', { ...at, name: 'image', kind: 'registry' }),
  }
  let seq = 0
  const version = (resource: keyof typeof resources, name: string, origins: number[] = []) =>
    insert('versions', {
      ...{ resource_id: resources[resource], lane_id: lane, seq: ++seq, name },
      body: JSON.stringify(
        resource === 'src'
          ? { ref: 'refs/heads/main', message: 'Say hi\n\nand more', author: 'Ann', before: null }
          : { fields: { digest: name } },
      ),
    }).then(async (id) => {
      for (const origin of origins) await insert('version_origins', { version_id: id, origin_id: origin })
      return id
    })
  let number = 0
  /** A run with these versions, in a state. */
  async function run(
    job: string,
    held: { version: number; image?: number; put?: number },
    state = 'succeeded',
  ) {
    const isOver = !['queued', 'running', 'waiting'].includes(state)
    const id = await insert('runs', {
      ...{ job_id: jobs.get(job), lane_id: lane, revision_id: revision, number: ++number, state },
      ...{ reason: 'a test', advances: true, ended_at: isOver ? new Date(1e12 + number * 1e3) : null },
      lease_until: state === 'running' ? new Date() : null,
      environment: definition?.jobs.find((each) => each.name === job)?.environment ?? null,
    })
    const inputs = [held.version, ...(held.image ? [held.image] : [])]
    for (const [position, version_id] of inputs.entries())
      await insert('run_inputs', {
        ...{ run_id: id, position, version_id },
        resource_id: position === 0 ? resources.src : resources.image,
      })
    if (held.put)
      await insert('run_outputs', { run_id: id, resource_id: resources.image, version_id: held.put })
    if (!isOver) return id
    const how =
      state === 'succeeded' || state === 'skipped' ? 'success' : state === 'failed' ? 'failure' : 'other'
    const at = { job_id: jobs.get(job), lane_id: lane }
    const ending = await insert('endings', { ...at, run_id: id, how })
    for (const version_id of [...inputs, ...(held.put ? [held.put] : [])])
      await insert('ending_versions', { ...at, version_id, ending_id: ending, resource_id: resources.src })
    return id
  }
  return { version, run, insert, project: project as ProjectId }
}
