import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { type FakePull, hubPull, labRequest, showPulls } from './fake-pulls.ts'

/** What a forge was asked, as it took it. */
export type Heard = {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly authorization: string
  readonly body: ReturnType<typeof JSON.parse>
}
type Answering = () => Response | Promise<Response> | undefined

/** A server that speaks the API of a forge, as far as statuses go, and refuses what the forge would refuse. */
export type FakeForge = AsyncDisposable & {
  readonly url: string
  readonly heard: Heard[]
  /** Its pull requests, by their numbers. */
  readonly pulls: Map<number, FakePull>
  /** Whatever is asked from now on is answered so, as long as something comes of it. */
  answer(answering: Answering): void
  /** What is asked next is done, and its answer never arrives. */
  cutNext(): void
  /** The statuses of a commit as people see them: the newest of each name. */
  shown(sha: string): Readonly<Record<string, string>>
}

const json = (status: number, body: object, headers: Record<string, string> = {}) =>
  Response.json(body, { status, headers })
/** GitHub’s words for what does not fit. */
const unfit = (message: string) =>
  json(422, { message: `Invalid request.\n\n${message}`, documentation_url: 'https://docs.github.com/rest' })

const CHECK_STATES = ['queued', 'in_progress', 'completed']
const CONCLUSIONS = 'success failure neutral cancelled timed_out action_required skipped stale'.split(' ')

/** GitHub’s checks and statuses. @param checks  Whether the token is an app’s, which alone may make checks. */
export async function fakeGithub({
  checks = true,
  token = 'token gh-token',
  cloneUrl = 'https://github.com/acme/shop.git',
} = {}): Promise<FakeForge> {
  const all = new Map<number, FakePull>()
  const runs = new Map<
    number,
    { name: string; sha: string; words: string; external_id: string; status: string }
  >()
  const statuses: { context: string; sha: string; words: string }[] = []
  const wrong = ({ status, conclusion, output }: Heard['body']) => {
    if (!CHECK_STATES.includes(status)) return unfit(`status: ${status}`)
    if ((status === 'completed') !== CONCLUSIONS.includes(conclusion))
      return unfit(`conclusion: ${conclusion}`)
    return output && !(output.title && output.summary) ? unfit('output') : null
  }
  const words = ({ status, conclusion }: Heard['body']) => conclusion ?? status
  const forApps = () => json(403, { message: 'You must authenticate via a GitHub App.' })
  return fakeForge(
    (asked) => {
      const { method, path, body, authorization } = asked
      if (authorization !== token)
        return json(401, { message: 'Bad credentials', documentation_url: 'https://docs.github.com/rest' })
      const pulls = showPulls(all, asked, {
        ...{ at: '/repos/acme/shop/pulls', size: 'per_page' },
        as: (pull) => hubPull(pull, cloneUrl),
      })
      if (pulls) return pulls
      const listed = /^\/repos\/acme\/shop\/commits\/([0-9a-f]{40})\/check-runs$/.exec(path)?.[1]
      if (listed) {
        const named = [...runs].filter(
          ([, run]) => run.sha === listed && run.name === asked.query.get('check_name'),
        )
        const check_runs = named.map(([id, run]) => ({ id, ...run }))
        return json(200, { total_count: check_runs.length, check_runs })
      }
      const check = /^\/repos\/acme\/shop\/check-runs(?:\/(\d+))?$/.exec(path)
      if (check) {
        if (!checks) return forApps()
        const bad = wrong(body)
        if (bad) return bad
        const id = check[1] ? Number(check[1]) : runs.size + 1
        const known = runs.get(id)
        if (method === 'PATCH' && !known) return json(404, { message: 'Not Found' })
        if (method === 'POST' && !(body.name && /^[0-9a-f]{40}$/.test(body.head_sha)))
          return unfit('head_sha')
        const { external_id, status } = body
        const made = { name: known?.name ?? body.name, sha: known?.sha ?? body.head_sha }
        runs.set(id, { ...made, words: words(body), external_id, status })
        return json(method === 'POST' ? 201 : 200, { id, ...body })
      }
      const sha = /^\/repos\/acme\/shop\/statuses\/([0-9a-f]{40})$/.exec(path)?.[1]
      if (!sha) return json(404, { message: 'Not Found' })
      if (!['error', 'failure', 'pending', 'success'].includes(body.state)) return unfit('state')
      if (body.description.length > 140) return unfit('description is too long (maximum is 140 characters)')
      statuses.push({ context: body.context, sha, words: body.state })
      return json(201, { id: statuses.length, ...body })
    },
    (sha) => {
      const told = [...statuses, ...[...runs.values()].map(({ name, ...run }) => ({ context: name, ...run }))]
      return Object.fromEntries(
        told.filter((each) => each.sha === sha).map((each) => [each.context, each.words]),
      )
    },
    all,
  )
}

/** GitLab’s commit statuses, which refuse to become what they are. */
export async function fakeGitlab(token = 'glpat'): Promise<FakeForge> {
  const states = new Map<string, string>()
  const all = new Map<number, FakePull>()
  const STATES = ['pending', 'running', 'success', 'failed', 'canceled', 'skipped']
  return fakeForge(
    (asked) => {
      const { path, body, authorization } = asked
      if (authorization !== token) return json(401, { message: '401 Unauthorized' })
      const at = '/api/v4/projects/acme%2Ftools%2Fshop/merge_requests'
      const pulls = showPulls(all, asked, { at, size: 'per_page', as: labRequest })
      if (pulls) return pulls
      const sha = /^\/api\/v4\/projects\/acme%2Ftools%2Fshop\/statuses\/([0-9a-f]{40})$/.exec(path)?.[1]
      if (!sha) return json(404, { message: '404 Project Not Found' })
      if (!STATES.includes(body.state)) return json(400, { error: 'state does not have a valid value' })
      const key = `${sha} ${body.name}`
      if (states.get(key) === body.state && /pending|running/.test(body.state))
        return json(400, {
          message: `Cannot transition status via :run from :${body.state} (Reason(s): Status cannot transition via "run")`,
        })
      states.set(key, body.state)
      return json(201, { id: states.size, sha, status: body.state, name: body.name })
    },
    (sha) => shownIn(states, sha),
    all,
  )
}

/** Gitea’s commit statuses. */
export async function fakeGitea(token = 'token gt'): Promise<FakeForge> {
  const states = new Map<string, string>()
  const all = new Map<number, FakePull>()
  return fakeForge(
    (asked) => {
      const { path, body, authorization } = asked
      if (authorization !== token) return json(401, { message: 'token is required' })
      const at = '/api/v1/repos/acme/shop/pulls'
      const as = (pull: FakePull) => hubPull(pull, 'https://gitea.acme.io/acme/shop.git')
      const pulls = showPulls(all, asked, { at, size: 'limit', as })
      if (pulls) return pulls
      const sha = /^\/api\/v1\/repos\/acme\/shop\/statuses\/([0-9a-f]{40})$/.exec(path)?.[1]
      if (!sha) return json(404, { message: "The target couldn't be found." })
      states.set(`${sha} ${body.context}`, body.state)
      return json(201, { id: states.size, status: body.state, context: body.context })
    },
    (sha) => shownIn(states, sha),
    all,
  )
}

const shownIn = (states: ReadonlyMap<string, string>, sha: string) =>
  Object.fromEntries(
    [...states].filter(([key]) => key.startsWith(sha)).map(([key, state]) => [key.slice(41), state]),
  )

async function fakeForge(
  take: (asked: Heard) => Response,
  shown: FakeForge['shown'],
  pulls: FakeForge['pulls'],
): Promise<FakeForge> {
  const heard: Heard[] = []
  let answering: Answering = () => undefined
  let isCut = false
  const app = new Hono().all('*', async (c) => {
    const { pathname, searchParams } = new URL(c.req.url)
    const authorization = c.req.header('authorization') ?? c.req.header('private-token') ?? ''
    const asked = {
      method: c.req.method,
      path: pathname,
      query: searchParams,
      authorization,
      body: await c.req.json().catch(() => ({})),
    }
    heard.push(asked)
    const answer = (await answering()) ?? take(asked)
    if (isCut) {
      isCut = false
      ;(c.env as HttpBindings).incoming.socket.destroy()
    }
    return answer
  })
  const server = createAdaptorServer({ fetch: app.fetch }) as Server
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    pulls,
    answer: (next) => (answering = next),
    cutNext: () => (isCut = true),
    shown,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}
