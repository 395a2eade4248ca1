import { parsePipeline } from '#pipelines/language/parse.ts'
import type { Project } from '../../ui/lib/api.ts'
import { type Asked, no, ok, type Reply, type Route } from './fake-reply.ts'
import { addLine, hex, minutesAgo } from './fake-stories.ts'

function add({ world, body }: Asked): Reply {
  const name = String(body['name'])
  if (world.projects.some((known) => known.name === name))
    return no(409, 'project-exists', 'A project of this name exists already', `\`${name}\` is taken`)
  const elsewhere = body['repository'] as { url: string } | undefined
  const url = elsewhere?.url ?? `http://127.0.0.1:8080/git/${name}.git`
  const project: Project = {
    ...{ name, organization: String(body['organization']), public: false, pipelines: [], role: 'admin' },
    repository: { kind: elsewhere ? 'git' : 'hosted', url, default_branch: 'main' },
    ...{ clone: elsewhere ? null : url, created_at: minutesAgo(0) },
  }
  world.projects.push(project)
  world.announce({ kind: 'project.added', project: name })
  return { status: 201, body: project }
}

/** The first file of a line, as a commit in the editor makes it. */
export function beginLine({ world, body }: Asked, project: string, pipeline: string): Reply {
  const jobs = parsePipeline(String(body['text'])).pipeline?.jobs ?? []
  const plans = jobs.map(({ name, needs }) => ({ name, needs: needs.map(({ job }) => job) }))
  const first = plans.map(({ name, needs }) => (needs.length > 0 ? { name, needs } : { name }))
  addLine(world, { project, name: pipeline, jobs: first, title: 'Begin the line' })
  const revision = world.lines.length
  world.announce({ kind: 'revision.synced', project, pipeline, lane: 'main', revision, valid: true })
  return { status: 201, body: { commit: hex(3), branch: 'main' } }
}

export const PROJECTS: readonly Route[] = [
  ['GET', /^\/projects$/, ({ world }) => ok({ items: world.projects, next: null })],
  ['POST', /^\/projects$/, add],
]
