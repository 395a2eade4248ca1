import { type Get, lifecycleJobs, type Pipeline, type Triggers } from '../pipeline.ts'
import { isGit } from '../resource.ts'
import type { PipelineFile } from '../schema.ts'
import { environmentsOf, noticesOf } from './environments.ts'
import { isList, listed, placeBook, type Places } from './forms-of-writing.ts'
import { jobOf } from './job.ts'
import { resourcesOf } from './resources.ts'

/** A normal pipeline, and where each part of it was written. */
export type Normal = { readonly pipeline: Pipeline; readonly places: Places }

/**
 * A well-shaped file in its one normal form: every default filled in, every short form spelled out.
 *
 * A job without `get` and `needs` watches the first git resource. One that manages an environment only reads it: the
 * environment says when it runs.
 */
export function normalise(file: PipelineFile): Normal {
  const { places, note } = placeBook()
  const resources = resourcesOf(file.resources, note)
  const environments = environmentsOf(file.environments, note)
  const managing = lifecycleJobs(environments)
  const first = resources.find(isGit) ?? resources[0]
  const implied = (job: string): Get[] =>
    first
      ? [{ resource: first.name, trigger: !managing.has(job), version: 'latest', start: null, params: {} }]
      : []
  const still = new Set(resources.flatMap(({ kind, name }) => (kind === 'state' ? [name] : [])))
  const defaults = file.defaults ?? {}
  const pipeline: Pipeline = {
    resources,
    resourceTypes: Object.entries(file.resource_types ?? {}).map(([name, type]) => ({
      name,
      image: type.image,
      source: type.source ?? {},
    })),
    triggers: triggersOf(file.triggers),
    jobs: Object.entries(file.jobs).map(([name, job]) =>
      jobOf(name, job, { defaults, implied: implied(name), still, note }),
    ),
    environments,
    notify: noticesOf(file.notify, note),
  }
  return { pipeline, places }
}

const EVERY = ['**']

/** Without the whole block both pushes and pull requests become versions; with it, pull requests only where it says so. */
function triggersOf(written: PipelineFile['triggers']): Triggers {
  const push = longForm(written?.push)
  const pulls = longForm(written?.pull_request)
  const pullsHeard = written === undefined || written.pull_request !== undefined
  return {
    push: push.branches ? listed(push.branches) : EVERY,
    pushPaths: listed(push.paths),
    tag: listed(written?.tag),
    pullRequest: {
      branches: pulls.branches ? listed(pulls.branches) : pullsHeard ? EVERY : [],
      paths: listed(pulls.paths),
      drafts: pulls.drafts ?? true,
      labels: listed(pulls.labels),
      forks: pulls.forks ?? 'approve',
    },
    skip: { paths: listed(written?.skip?.paths), messages: listed(written?.skip?.message) },
  }
}

type Events = NonNullable<NonNullable<PipelineFile['triggers']>['pull_request']>
type LongForm = Exclude<Events, string | readonly string[]>
const longForm = (written: Events | undefined): LongForm =>
  written === undefined
    ? {}
    : typeof written === 'string' || isList(written)
      ? { branches: written }
      : written
