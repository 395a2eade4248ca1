import type { z } from 'zod'
import type { Access } from '#pipelines/access/roles.ts'
import type { LaneId } from '#pipelines/ids.ts'
import type { Pipeline } from '#pipelines/language/pipeline.ts'
import { isGit } from '#pipelines/language/resource.ts'
import { putsOf } from '#pipelines/plan/edges.ts'
import type { Db } from '../db/connect.ts'
import { summariesOf, versionWords } from '../runs/queries.ts'
import { upstreamStanding } from '../upstreams/standing.ts'
import { checksOf } from './check-standing.ts'
import { pausesIn } from './decisions.ts'
import { legsOf } from './legs-of.ts'
import { newestVersions, sharedResources } from './newest-versions.ts'
import { pinsIn } from './pins-in.ts'
import type { PipelineRow } from './queries.ts'
import type { PipelineView } from './shapes.ts'
import { standingsOf } from './standings.ts'
import { waitingWords } from './waiting.ts'

type View = z.output<typeof PipelineView>
type At = {
  readonly pipeline: Pick<PipelineRow, 'id' | 'name' | 'project' | 'default_branch'>
  readonly access: Access
  readonly lane: LaneId
  readonly definition: Pipeline
}

/** The resources of a line with their newest versions, and its jobs with their last run and what they wait for, on one lane. */
export async function viewLine(
  db: Db,
  { pipeline, lane, definition, access }: At,
): Promise<Pick<View, 'resources' | 'jobs'>> {
  const newest = await newestVersions(db, { pipeline, lane, definition })
  const standings = await standingsOf(db, { pipeline: pipeline.id, lane, definition, newest })
  const last = await summariesOf(
    db,
    [...standings.values()].flatMap(({ last }) => (last ? [last.run] : [])),
  )
  const legs = await legsOf(
    db,
    last.flatMap(({ batch }) => (batch === null ? [] : [batch])),
  )
  const checks = await checksOf(db, pipeline.id)
  const pauses = await pausesIn(db, pipeline.id)
  const pins = await pinsIn(db, { pipeline, lane, shared: sharedResources(definition) })
  const upstreams = await Promise.all(
    definition.resources.map((resource) =>
      resource.kind === 'upstream' ? upstreamStanding(db, resource, { at: pipeline, access }) : null,
    ),
  )
  const resources = definition.resources.map((resource, index) => {
    const { name, kind } = resource
    const version = newest.get(name)
    const words = version && {
      name: version.name,
      ...versionWords(version.body),
      forced: version.forced,
      created_at: version.created_at.toISOString(),
    }
    const repository = 'repository' in resource ? resource.repository : ''
    const branch = isGit(resource) ? resource.branch : null
    const paused = pauses.resources.get(name) ?? null
    const check = checks.get(name) ?? null
    const upstream = upstreams[index] ?? null
    const pinned = pins.get(name) ?? null
    return { name, kind, repository, branch, newest: words ?? null, check, paused, pinned, upstream }
  })
  const jobs = definition.jobs.map((job) => {
    const { name, gets, needs, image, inputs } = job
    const standing = standings.get(name)
    const last_run = last.find((run) => run.job === name) ?? null
    return {
      name,
      gets: gets.map(({ resource, trigger }) => ({ resource, trigger })),
      needs: needs.map((need) => ({ job: need.job, trigger: need.trigger })),
      puts: putsOf(job),
      image,
      inputs,
      last_run,
      legs: legs.get(last_run?.batch ?? 0) ?? [],
      waiting: standing ? waitingWords(standing) : null,
      paused: pauses.jobs.get(name) ?? null,
    }
  })
  return { resources, jobs }
}
