import { pipelineJsonSchema } from '#pipelines/language/json-schema.ts'
import { parsePipeline } from '#pipelines/language/parse.ts'
import { reaches } from '#pipelines/access/roles.ts'
import { putsOf } from '#pipelines/plan/edges.ts'
import { rehearse } from '#pipelines/plan/rehearse.ts'
import type { Pipeline } from '../../ui/lib/api.ts'
import { type Asked, no, ok, type Reply, type Route } from './fake-reply.ts'
import { beginLine } from './fake-projects.ts'
import { hex } from './fake-stories.ts'
import { type FakeWorld, keyOf } from './fake-world.ts'

type Kept = { text: string; commit: string }
type Branches = Map<string, Kept>

const worlds = new WeakMap<FakeWorld, Map<string, Branches>>()
/** The file of a line by branch; a line that nobody wrote to has one that draws it, on `main`. */
export function filesOf(world: FakeWorld, line: Pipeline): Branches {
  const files = worlds.get(world) ?? new Map<string, Branches>()
  worlds.set(world, files)
  const key = keyOf(line, '')
  const known = files.get(key) ?? new Map([['main', { text: textOf(line), commit: hex(3) }]])
  files.set(key, known)
  return known
}

/** A file that draws the line. */
function textOf({ resources, jobs }: Pipeline): string {
  const others = resources.filter(({ name }) => name !== 'src')
  const declared = others.map(({ name, repository }) => `  ${name}: { git: '${repository}' }`)
  const head = others.length === 0 ? [] : ['resources:', '  src: { git: . }', ...declared, '']
  const list = (names: readonly string[]) => (names.length === 1 ? names[0] : `[${names.join(', ')}]`)
  const lines = jobs.flatMap(({ name, gets, needs, image }) => {
    const got = gets.map(({ resource }) => resource)
    const needed = needs.map(({ job }) => job)
    return [
      `  ${name}:`,
      ...(got.length > 0 ? [`    get: ${list(got)}`] : []),
      ...(needed.length > 0 ? [`    needs: ${list(needed)}`] : []),
      `    image: ${image}`,
      `    run: [npm ci, npm run ${name}]`,
    ]
  })
  return [...head, 'jobs:', ...lines, ''].join('\n')
}

const LINE = '/projects/([^/]+)/pipelines/([^/]+)'
const at = (rest: string) => new RegExp(`^${LINE}/${rest}$`)

function view({ world, url }: Asked, line: Pipeline): Reply {
  const lane = url.searchParams.get('lane') ?? line.lane ?? 'main'
  const kept = filesOf(world, line).get(lane)
  if (!kept) return no(404, 'file-not-found', 'There is no such file', `\`${lane}\` has no ${line.path}`)
  const project = world.projects.find(({ name }) => name === line.project)
  const hosted = project?.repository.kind === 'hosted'
  return ok({
    ...{ ...kept, path: line.path, lane, branch: lane, hosted },
    may_commit: hosted && reaches(line.role, 'maintainer'),
  })
}

/** Also where nothing was pushed yet. */
function tryFile({ world, body }: Asked, line: Pipeline | undefined): Reply {
  const text = String(body['text'])
  const parsed = parsePipeline(text)
  const versions = (line && world.versions.get(keyOf(line, 'src'))) ?? []
  const newest = line?.resources[0]?.newest
  const version = typeof body['version'] === 'string' ? body['version'] : null
  const found =
    version === null ? newest : [...versions, newest].find((one) => one?.name.startsWith(version) === true)
  if (version !== null && !found)
    return no(
      404,
      'version-not-found',
      'There is no such version',
      `no commit of this lane is called \`${version}\``,
    )
  const commit = found
    ? { version: found.name, author: found.author ?? '', message: found.title ?? '' }
    : null
  const { diagnostics, pipeline: definition } = parsed
  if (!definition) return ok({ diagnostics, line: null, commit, jobs: [] })
  const jobs = definition.jobs.map((job) => ({
    name: job.name,
    gets: job.gets.map(({ resource, trigger }) => ({ resource, trigger })),
    needs: job.needs.map((need) => ({ job: need.job, trigger: need.trigger })),
    puts: putsOf(job),
  }))
  const drawn = { resources: definition.resources.map(({ name, kind }) => ({ name, kind })), jobs }
  const others = (line?.resources ?? []).flatMap(({ name, newest: one }) =>
    one ? [[name, one] as const] : [],
  )
  const fates =
    line && commit
      ? rehearse(definition, {
          ...{ project: line.project, pipeline: line.name, lane: { name: 'main', kind: 'push' } },
          commit: {
            ...{ name: commit.version, ref: 'refs/heads/main', message: commit.message, changed: null },
            fields: { branch: 'main', author: commit.author, message: commit.message },
          },
          newest: new Map(others.filter(([name]) => name !== 'src')),
        })
      : []
  return ok({ diagnostics, line: drawn, commit, jobs: fates })
}

let commits = 40
function commit({ world, body }: Asked, line: Pipeline): Reply {
  const files = filesOf(world, line)
  const branch = String(body['branch'])
  const onto = body['onto'] ?? null
  const kept = files.get(branch)
  const isKnown = [...files.values()].some((one) => one.commit === onto)
  if (kept ? kept.commit !== onto : onto !== null && !isKnown)
    return no(409, 'file-moved', 'The branch has gone on', `\`${branch}\` points elsewhere by now`, {
      head: kept?.commit ?? null,
    })
  const made = { text: String(body['text']), commit: hex(++commits) }
  files.set(branch, made)
  return { status: 201, body: { commit: made.commit, branch } }
}

const withLine =
  (does: (asked: Asked, line: Pipeline) => Reply) =>
  (asked: Asked, project = '', name = ''): Reply => {
    const line = asked.world.line(decodeURIComponent(project), decodeURIComponent(name))
    return line ? does(asked, line) : no(404, 'pipeline-not-found', 'There is no such pipeline')
  }

export const EDITOR: readonly Route[] = [
  ['GET', /^\/pipeline-schema$/, () => ok(pipelineJsonSchema())],
  ['GET', at('file'), withLine(view)],
  [
    'POST',
    at('rehearse'),
    (asked, project = '', name = '') => tryFile(asked, asked.world.line(project, name)),
  ],
  [
    'POST',
    at('file'),
    (asked, project = '', name = '') => {
      const line = asked.world.line(project, name)
      return line ? commit(asked, line) : beginLine(asked, project, name)
    },
  ],
]
