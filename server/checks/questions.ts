import { createHash } from 'node:crypto'
import type { PipelineId, RepositoryId } from '#pipelines/ids.ts'
import { secretsNamed } from '#pipelines/language/expression/secret-values.ts'
import type { Pipeline, Resource } from '#pipelines/language/pipeline.ts'
import { followsLane } from '#pipelines/language/resource.ts'
import type { Tree } from '#pipelines/language/shape/scalars.ts'
import { stepsIn } from '#pipelines/language/step.ts'
import { customType } from '#pipelines/plan/custom-type.ts'
import { edgesOf } from '#pipelines/plan/edges.ts'

type Source = Readonly<Record<string, Tree>>
export type SecretName = { readonly project: string; readonly secret: string }
/** What is asked of the world outside. Two resources that ask the same are answered by one check. */
export type Question =
  | {
      readonly kind: 'custom'
      readonly image: string
      readonly source: Source
      /** Whose secrets its source names; left out where it names none. */
      readonly project?: string
    }
  | {
      readonly kind: 'registry'
      readonly repository: string
      /** A glob; null for all tags. */
      readonly tag: string | null
      /** The secret that opens it, and whose it is. */
      readonly login: SecretName | null
    }
  | {
      readonly kind: 'git'
      readonly repository: RepositoryId
      /** The secret that opens it, and whose it is; left out where it is open to everybody. */
      readonly login?: SecretName
    }
  /** Every resource of the clock is asked for by itself: what overlaps with its runs is its own. */
  | {
      readonly kind: 'time'
      readonly pipeline: PipelineId
      readonly resource: Extract<Resource, { kind: 'time' }>
    }

export type Asking = { readonly resource: string; readonly question: Question; readonly everyMs: number }

/** How often is looked where the file does not say it: registries count what they are asked. */
const PRESET_MS = { custom: 60_000, git: 60_000, registry: 300_000 } as const

type Of = {
  readonly project: string
  readonly pipeline: PipelineId
  readonly definition: Pipeline
  /** Of git resources: the repositories that nothing tells us of by itself. */
  readonly untold: ReadonlyMap<string, RepositoryId>
}

/**
 * What a file asks, by the resources that some job gets. What the pipeline puts itself, and repositories that report their pushes, are
 * looked at only where `check` says how often.
 */
export function askingsOf(of: Of): Asking[] {
  const { definition } = of
  const { isPut } = edgesOf(definition)
  const got = new Set(
    definition.jobs.flatMap((job) => [
      ...job.gets.map((get) => get.resource),
      ...stepsIn(job).flatMap((step) => (step.kind === 'get' ? [step.resource] : [])),
    ]),
  )
  return definition.resources
    .filter(({ name }) => got.has(name))
    .flatMap((resource) => {
      const asked = askingOf(resource, of)
      const isTold = isPut(resource.name) || (resource.kind === 'git' && !of.untold.has(resource.name))
      const isWanted = !isTold || ('checkMs' in resource && resource.checkMs !== null)
      return asked && isWanted ? [asked] : []
    })
}

function askingOf(resource: Resource, { project, pipeline, definition, untold }: Of): Asking | null {
  const { name } = resource
  switch (resource.kind) {
    case 'custom': {
      const type = customType(resource, definition)
      const everyMs = resource.checkMs ?? PRESET_MS.custom
      if (!type) return null
      const whose = secretsNamed(type.source).length > 0 ? { project } : {}
      return { resource: name, everyMs, question: { kind: 'custom', ...type, ...whose } }
    }
    case 'registry': {
      const { repository, tag, login } = resource
      const question: Question = {
        kind: 'registry',
        repository,
        tag,
        login: login === null ? null : { project, secret: login },
      }
      return { resource: name, everyMs: resource.checkMs ?? PRESET_MS.registry, question }
    }
    case 'git': {
      const repository = untold.get(name)
      if (repository === undefined || followsLane(resource)) return null
      return {
        resource: name,
        everyMs: resource.checkMs ?? PRESET_MS.git,
        question: {
          kind: 'git',
          repository,
          ...(resource.login === null ? {} : { login: { project, secret: resource.login } }),
        },
      }
    }
    case 'time':
      return { resource: name, everyMs: 0, question: { kind: 'time', pipeline, resource } }
    default:
      return null
  }
}

/** The same for the same question, whoever wrote it in whatever order. */
export const keyOf = (question: Question): string =>
  createHash('sha256')
    .update(JSON.stringify(sorted(question)))
    .digest('hex')

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]))
}
