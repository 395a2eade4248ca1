import { createAppAuth } from '@octokit/auth-app'
import { Octokit } from '@octokit/rest'
import { isUnfinished, type Verdict } from '#pipelines/statuses/verdict.ts'
import { type Arrived, type Forge, ForgeRefusal, refusalOf, type Telling, waitOf } from './forge.ts'

export type GithubAccess =
  { readonly token: string } | { readonly appId: string; readonly privateKey: string }
export type GithubSettings = { readonly api: string; readonly access: GithubAccess }

/** GitHub's words for it, as a commit's status: amber is green there, and says so. */
const STATUS: Readonly<Record<Verdict, 'pending' | 'success' | 'failure' | 'error'>> = {
  queued: 'pending',
  running: 'pending',
  waiting: 'pending',
  succeeded: 'success',
  allowed: 'success',
  skipped: 'success',
  failed: 'failure',
  errored: 'error',
  cancelled: 'error',
}
/** … and as a check, which knows grey. */
const CONCLUSION = {
  succeeded: 'success',
  allowed: 'neutral',
  skipped: 'skipped',
  failed: 'failure',
  errored: 'failure',
  cancelled: 'cancelled',
} as const
const MOST_DESCRIPTION = 140
const TIMEOUT_MS = 10_000

/**
 * GitHub, and servers that speak its API. A line is a check, which only an app may set: where the token is a person's, GitHub says so,
 * and the line is a commit's status like its jobs.
 */
export function github({ api, access }: GithubSettings): Forge {
  const clients = clientsOf(api, access)
  /** Repositories whose token makes no checks; after a restart GitHub says it again. */
  const plain = new Set<string>()
  return {
    name: 'github',
    host: hostOf(api),
    async tell(telling, signal) {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
      const asked = { telling, octokit: await clients(telling.repository, bounded), signal: bounded }
      if (!telling.isLine || plain.has(telling.repository)) return tellStatus(asked)
      try {
        return await tellCheck(asked)
      } catch (error) {
        if (!(error instanceof NoChecks)) throw error
        plain.add(telling.repository)
        return tellStatus(asked)
      }
    },
  }
}

const hostOf = (api: string) => new URL(api).host.replace(/^api\.github\.com$/, 'github.com')

type Asked = { readonly telling: Telling; readonly octokit: Octokit; readonly signal: AbortSignal }

/** This token may not make checks. */
class NoChecks extends Error {
  override readonly name = 'NoChecks'
}

async function tellCheck({ telling, octokit, signal }: Asked): Promise<Arrived> {
  const { verdict, words, before } = telling
  const at = { ...placeOf(telling), request: { signal } }
  const state = isUnfinished(verdict)
    ? { status: verdict === 'queued' ? ('queued' as const) : ('in_progress' as const) }
    : { status: 'completed' as const, conclusion: conclusionOf(verdict) }
  const shown = {
    ...state,
    details_url: telling.link,
    external_id: telling.id,
    output: { title: words.slice(0, MOST_DESCRIPTION), summary: summaryOf(telling) },
  }
  // A check that has ended does not begin again: what begins anew is another one of the same name, which takes its place.
  const known = before.externalId
  const isOver = before.verdict !== null && !isUnfinished(before.verdict) && isUnfinished(verdict)
  const answer = await asking(async (): Promise<CheckAnswer> =>
    known !== null && !isOver
      ? octokit.checks.update({ ...at, check_run_id: Number(known), ...shown })
      : octokit.checks.create({ ...at, name: telling.name, head_sha: telling.sha, ...shown }),
  )
  return { externalId: String(answer.data.id), restMs: restOf(answer) }
}

type CheckAnswer = { readonly data: { readonly id: number }; readonly headers: Headers }

const conclusionOf = (verdict: Verdict) =>
  verdict in CONCLUSION ? CONCLUSION[verdict as keyof typeof CONCLUSION] : 'failure'

const summaryOf = ({ words, link }: Telling) => `${words}\n\n[Look at it in Takt](${link})`

async function tellStatus({ telling, octokit, signal }: Asked): Promise<Arrived> {
  const answer = await asking(() =>
    octokit.repos.createCommitStatus({
      ...placeOf(telling),
      sha: telling.sha,
      state: STATUS[telling.verdict],
      context: telling.name,
      description: telling.words.slice(0, MOST_DESCRIPTION),
      target_url: telling.link,
      request: { signal },
    }),
  )
  return { externalId: null, restMs: restOf(answer) }
}

function placeOf({ repository }: Telling): { owner: string; repo: string } {
  const [owner = '', repo = ''] = repository.split('/').slice(-2)
  return { owner, repo }
}

type Headers = Readonly<Record<string, string | number | undefined>>
type HttpError = { readonly status: number; readonly response?: { readonly headers: Headers } }

const headerIn = (headers: Headers) => (name: string) =>
  headers[name] === undefined ? null : String(headers[name])

const restOf = ({ headers }: { readonly headers: Headers }) => waitOf(headerIn(headers), Date.now()) ?? 0

/** The client throws answers that are no good and connections that break alike. */
async function asking<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const { status, response } = error as Error & Partial<HttpError>
    if (status === undefined || !response)
      throw new ForgeRefusal('all', `GitHub does not answer: ${causeOf(error)}`)
    if (status === 403 && /must authenticate via a GitHub App|not accessible by/i.test(error.message))
      throw new NoChecks(error.message)
    throw refusalOf(
      'GitHub',
      { status, header: headerIn(response.headers), words: error.message },
      Date.now(),
    )
  }
}

const causeOf = (error: Error): string =>
  error.cause instanceof Error ? error.cause.message || error.message : error.message

const QUIET = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} } // what goes wrong is told by us

/** The client for a repository: an app has one for each installation, found once. */
function clientsOf(api: string, access: GithubAccess) {
  const options = { baseUrl: api.replace(/\/+$/, ''), userAgent: 'takt', log: QUIET }
  if ('token' in access) {
    const one = new Octokit({ ...options, auth: access.token })
    return async () => one
  }
  const app = new Octokit({ ...options, authStrategy: createAppAuth, auth: access })
  const found = new Map<string, Octokit>()
  return async (repository: string, signal: AbortSignal) => {
    const known = found.get(repository)
    if (known) return known
    const [owner = '', repo = ''] = repository.split('/').slice(-2)
    const { data } = await asking(() => app.apps.getRepoInstallation({ owner, repo, request: { signal } }))
    const auth = { ...access, installationId: data.id }
    const client = new Octokit({ ...options, authStrategy: createAppAuth, auth })
    found.set(repository, client)
    return client
  }
}
