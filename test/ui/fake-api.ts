import type { IncomingMessage, ServerResponse } from 'node:http'
import { fillForm } from '#pipelines/language/form-values.ts'
import { ACCOUNT, meIn, PASSWORD } from './fake-account.ts'
import { AUDIT } from './fake-audit.ts'
import { BADGES } from './fake-badges.ts'
import { DECISIONS, withPins } from './fake-decisions.ts'
import { CHARTS } from './fake-charts.ts'
import { DELIVERIES } from './fake-deliveries.ts'
import { EDITOR } from './fake-editor.ts'
import { SCHEDULES } from './fake-schedules.ts'
import { type Asked, no, ok, type Reply, type Route } from './fake-reply.ts'
import { guestReply } from './fake-guests.ts'
import { HOOKS } from './fake-hooks.ts'
import { ORGANIZATIONS } from './fake-organizations.ts'
import { GATES } from './fake-gates.ts'
import { LOG } from './fake-log.ts'
import { PROJECTS } from './fake-projects.ts'
import { PROVENANCE } from './fake-provenance.ts'
import { PULLS } from './fake-pulls.ts'
import { SERVER_KEY } from './fake-server-key.ts'
import { POLICIES } from './fake-policies.ts'
import { RUNNERS } from './fake-runners.ts'
import { REPORTS } from './fake-reports.ts'
import { SECRETS } from './fake-secrets.ts'
import { SERVICES } from './fake-services.ts'
import { SERVICE_ACCOUNTS } from './fake-program-accounts.ts'
import { NOTICES } from './fake-notices.ts'
import { SOURCES } from './fake-sources.ts'
import { STATUSES } from './fake-statuses.ts'
import { STATES } from './fake-states.ts'
import { TERMINALS } from './fake-terminals.ts'
import { VALUES } from './fake-values.ts'
import type { FakeWorld } from './fake-world.ts'

export const LINK = 'good-link'
export const TOKEN = 'good-token'

const SESSION = 'takt=in; Path=/; HttpOnly; SameSite=Lax'
const spent = new WeakSet<FakeWorld>()

function signIn({ world, body, bearer }: Asked): Reply {
  if (body['name'] !== undefined)
    return body['name'] === 'ada' && body['password'] === PASSWORD
      ? { ...ok(meIn(world)), cookie: SESSION }
      : no(401, 'bad-login', 'The name and the password do not open an account', 'look for a slip of the pen')
  if (bearer !== undefined)
    return bearer === TOKEN
      ? { ...ok(meIn(world)), cookie: SESSION }
      : no(401, 'bad-token', 'The API token is not known or has expired')
  if (body['link'] !== LINK || spent.has(world))
    return no(401, 'bad-login-link', 'The login link is not known, was used, or has expired')
  spent.add(world)
  return { ...ok(meIn(world)), cookie: SESSION }
}

const ROUTES: readonly Route[] = [
  ...ACCOUNT,
  ...AUDIT,
  ...LOG,
  ['POST', /^\/session$/, signIn],
  ['DELETE', /^\/session$/, () => ({ status: 204, body: null, cookie: 'takt=; Path=/; Max-Age=0' })],
  ['GET', /^\/server$/, ({ world }) => ok(world.server)],
  ...SERVER_KEY,
  ...RUNNERS,
  ...PROJECTS,
  ['GET', /^\/pipelines$/, ({ world }) => ok(world.pipelineList())],
  [
    'GET',
    /^\/projects\/([^/]+)\/pipelines\/([^/]+)$/,
    (asked, project, name) => viewLine(asked, project, name),
  ],
  [
    'POST',
    /^\/projects\/([^/]+)\/pipelines\/([^/]+)\/jobs\/([^/]+)\/runs$/,
    (asked, project, name, job) => startRun(asked, { project, name, job }),
  ],
  ['GET', /^\/runs$/, (asked) => listRuns(asked)],
  ['GET', /^\/runs\/(\d+)$/, ({ world }, id) => withRun(world, id, (run) => ok(run))],
  ['POST', /^\/runs\/(\d+)\/cancel$/, (asked, id) => cancelRun(asked, id)],
  ['POST', /^\/runs\/(\d+)\/retry$/, (asked, id) => retryRun(asked, id)],
  ['POST', /^\/runs\/(\d+)\/rerun$/, (asked, id) => rerunAround(asked, id)],
  ['POST', /^\/runs\/(\d+)\/restore$/, (asked, id) => restoreRun(asked, id)],
  ['POST', /^\/runs\/(\d+)\/hold\/end$/, ({ world }, id) => withRun(world, id, endHold)],
  ...ORGANIZATIONS,
  ...POLICIES,
  ...SECRETS,
  ...SERVICES,
  ...SERVICE_ACCOUNTS,
  ...STATES,
  ...VALUES,
  ...NOTICES,
  ...STATUSES,
  ...SOURCES,
  ...HOOKS,
  ...DECISIONS,
  ...PROVENANCE,
  ...EDITOR,
  ...REPORTS,
  ...TERMINALS,
  ...GATES,
  ...PULLS,
  ...DELIVERIES,
  ...SCHEDULES,
  ...CHARTS,
  ...BADGES,
]

function viewLine({ world, url }: Asked, project = '', name = ''): Reply {
  const line = world.line(decodeURIComponent(project), decodeURIComponent(name))
  if (!line)
    return no(
      404,
      'pipeline-not-found',
      'There is no such pipeline',
      `project \`${project}\` has no pipeline \`${name}\``,
    )
  const lane = url.searchParams.get('lane') ?? line.lane
  if (lane === line.lane) return ok(withPins(world, world.viewOf(line)))
  return ok({ ...line, lane, jobs: line.jobs.map((job) => ({ ...job, last_run: null, waiting: null })) })
}

function startRun(
  { world, body }: Asked,
  at: { project: string | undefined; name: string | undefined; job: string | undefined },
): Reply {
  const line = world.line(at.project ?? '', at.name ?? '')
  if (!line) return no(404, 'pipeline-not-found', 'There is no such pipeline')
  const form = line.jobs.find(({ name }) => name === at.job)?.inputs ?? []
  const filled = fillForm(form, { ...Object(body['inputs']) })
  if ('problems' in filled) {
    const words = filled.problems.map(({ field, message }) => `${field}: ${message}`).join('; ')
    return no(422, 'bad-input', 'What the job asks for is not filled in rightly', words, {
      problems: filled.problems,
    })
  }
  const given = form.length > 0 ? filled.values : null
  return { status: 201, body: world.addRun(line, at.job ?? '', { reason: 'started by ada', given }) }
}

function listRuns({ world, url }: Asked): Reply {
  const wanted = (name: 'project' | 'pipeline' | 'job' | 'lane' | 'state') => url.searchParams.get(name)
  const names = ['project', 'pipeline', 'job', 'lane', 'state'] as const
  const items = world.runsOf((run) =>
    names.every((name) => wanted(name) === null || wanted(name) === run[name]),
  )
  return ok({
    items: items.slice(0, Number(url.searchParams.get('limit') ?? 20)),
    next: items.length > 20 ? 'more' : null,
  })
}

function withRun(
  world: FakeWorld,
  id: string | undefined,
  use: (run: NonNullable<ReturnType<FakeWorld['runs']['get']>>) => Reply,
): Reply {
  const run = world.runs.get(Number(id))
  return run
    ? use(run)
    : no(404, 'run-not-found', 'There is no such run', `run ${id} was never created, or was cleaned away`)
}

const cancelRun = ({ world, body }: Asked, id: string | undefined): Reply =>
  withRun(world, id, (run) => {
    if (world.isFinal(run))
      return no(
        409,
        'illegal-move',
        'The run cannot do that from its present state',
        `run ${id} is ${run.state}`,
      )
    run.cancel_requested = true
    const reason = typeof body['reason'] === 'string' ? `: ${body['reason']}` : ''
    run.error = { code: 'cancelled', message: `cancelled by ada${reason}` }
    world.move(run, 'cancelled')
    return ok(run)
  })

function endHold(run: NonNullable<ReturnType<FakeWorld['runs']['get']>>): Reply {
  if (run.hold) run.hold = { ...run.hold, ending: true }
  return ok(run)
}

const rerunAround = ({ world }: Asked, id: string | undefined): Reply =>
  withRun(world, id, (run) => {
    const line = world.line(run.project, run.pipeline)
    if (!line) return no(404, 'run-not-found', 'There is no such run')
    const red = line.jobs.flatMap(({ name, last_run }) => {
      const legs = world.legsOf(line, name)
      return (legs.length > 0 ? legs : last_run ? [last_run] : []).filter(({ state }) =>
        ['failed', 'errored', 'cancelled'].includes(state),
      )
    })
    const items = red.map(({ job, number, id: retry_of, inputs, matrix, batch }) =>
      world.addRun(line, job, { reason: `retry of #${number} by ada`, retry_of, inputs, matrix, batch }),
    )
    return { status: 201, body: { items, next: null } }
  })

const restoreRun = ({ world, body }: Asked, id: string | undefined): Reply =>
  withRun(world, id, (run) => {
    const line = world.line(run.project, run.pipeline)
    if (!line) return no(404, 'run-not-found', 'There is no such run')
    const reason = `retry of #${run.number} by ada from checkpoint \`${body['checkpoint']}\``
    return ok(world.addRun(line, run.job, { reason, retry_of: run.id, inputs: run.inputs }))
  })

const retryRun = ({ world, body }: Asked, id: string | undefined): Reply =>
  withRun(world, id, (run) => {
    const line = world.line(run.project, run.pipeline)
    if (!line) return no(404, 'pipeline-not-found', 'There is no such pipeline')
    return {
      status: 201,
      body: world.addRun(line, run.job, {
        ...(body['with'] === 'newest'
          ? { reason: `#${run.number} with the newest versions, by ada` }
          : { reason: `retry of run ${run.id}`, retry_of: run.id, inputs: run.inputs }),
      }),
    }
  })

/** Answers `/api/v1/…` as the server does: cookie, problem+json, `takt-cursor`. */
export async function answer(
  world: FakeWorld,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://fake')
  const path = url.pathname.replace('/api/v1', '')
  const cursor = world.cursor
  world.asked.push(`${request.method} ${path}`)
  const log = /^\/runs\/(\d+)\/log$/.exec(path)
  if (log && url.searchParams.get('as') !== 'json') {
    const pieces = world.logs.get(Number(log[1])) ?? []
    response
      .writeHead(200, { 'content-type': 'text/plain; charset=utf-8' })
      .end(pieces.map((piece) => piece.text).join(''))
    return
  }
  const reply = await replyTo(world, request, url)
  const headers: Record<string, string> = {
    'content-type': reply.type ?? (reply.status < 400 ? 'application/json' : 'application/problem+json'),
    'takt-cursor': String(cursor),
  }
  if (reply.cookie) headers['set-cookie'] = reply.cookie
  response.writeHead(reply.status, headers).end(bodyOf(reply))
}

const bodyOf = ({ body, type }: Reply): string =>
  body === null ? '' : type === undefined ? JSON.stringify(body) : String(body)

async function replyTo(world: FakeWorld, request: IncomingMessage, url: URL): Promise<Reply> {
  const path = url.pathname.replace('/api/v1', '')
  const refusal = world.refusals.get(`${request.method} ${path}`)
  if (refusal) {
    world.refusals.delete(`${request.method} ${path}`)
    return { status: refusal.status, body: refusal }
  }
  const isOpen = /^\/(session|login-.*|invitations\/.*)$/.test(path)
  const isGuest = !isOpen && !request.headers.cookie?.includes('takt=in')
  let text = ''
  for await (const chunk of request) text += String(chunk)
  const asked = {
    world,
    url,
    body: text === '' ? {} : JSON.parse(text),
    bearer: request.headers.authorization?.replace('Bearer ', ''),
    ifMatch: request.headers['if-match'],
  }
  for (const [method, pattern, reply] of ROUTES) {
    const found = method === request.method ? pattern.exec(path) : null
    if (found && isGuest) return guestReply(world, path, () => reply(asked, ...found.slice(1)))
    if (found) return reply(asked, ...found.slice(1))
  }
  return no(404, 'not-found', 'There is nothing at this address')
}
