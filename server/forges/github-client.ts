import { createAppAuth } from '@octokit/auth-app'
import { Octokit } from '@octokit/rest'
import { ForgeRefusal, refusalOf, waitOf } from './forge-refusal.ts'

export type GithubAccess =
  { readonly token: string } | { readonly appId: string; readonly privateKey: string }
export type GithubSettings = { readonly api: string; readonly access: GithubAccess }

/** The host whose repositories an API is asked about. */
export const githubHost = (api: string) => new URL(api).host.replace(/^api\.github\.com$/, 'github.com')

/** This token may not make checks. */
export class NoChecks extends Error {
  override readonly name = 'NoChecks'
}

export function placeOf(repository: string): { owner: string; repo: string } {
  const [owner = '', repo = ''] = repository.split('/').slice(-2)
  return { owner, repo }
}

export type AnswerHeaders = Readonly<Record<string, string | number | undefined>>
type HttpError = { readonly status: number; readonly response?: { readonly headers: AnswerHeaders } }

const headerIn = (headers: AnswerHeaders) => (name: string) =>
  headers[name] === undefined ? null : String(headers[name])

/** How long GitHub wants to be left alone after an answer. */
export const restOf = ({ headers }: { readonly headers: AnswerHeaders }) =>
  waitOf(headerIn(headers), Date.now()) ?? 0

/** The client throws answers that are no good and connections that break alike. */
export async function asking<T>(ask: () => Promise<T>): Promise<T> {
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
export function clientsOf(api: string, access: GithubAccess) {
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
