import type { Config } from './config.ts'
import { Ending, RED, UNREACHABLE, WRONG_USE } from './ending.ts'

export type Call = {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: object
  readonly accept?: string
  /** Further headers, such as a session's cookie. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Call the server's API and get its answer, read as JSON. */
export async function call<Answer>(config: Config, path: string, request: Call = {}): Promise<Answer> {
  const response = await send(config, path, request)
  // Server and command come from one package, so the answer has the shape that the server's own schema names.
  return (await response.json()) as Answer
}

/**
 * Call the server's API.
 *
 * @throws {Ending} With the server's own sentence when it refuses, and with what to do when it cannot be reached.
 */
export async function send(
  config: Config,
  path: string,
  { method = 'GET', query = {}, body, accept, headers: more = {} }: Call,
): Promise<Response> {
  const url = new URL(config.url + path)
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, value)
  const headers: Record<string, string> = {
    accept: accept ?? 'application/json',
    'user-agent': 'takt', // for the audit log, which tells the command from other programs
    ...authorization(config),
    ...more,
  }
  if (body) headers['content-type'] = 'application/json'
  const init: RequestInit = { method, headers, redirect: 'error' }
  const response = await fetch(url, body ? { ...init, body: JSON.stringify(body) } : init).catch(
    (error: unknown) => {
      throw unreachable(config, error)
    },
  )
  if (!response.ok) throw await refusalOf(response, config)
  return response
}

export const authorization = (config: Config): Record<string, string> =>
  config.token === null ? {} : { authorization: `Bearer ${config.token}` }

export function unreachable(config: Config, cause: unknown): Ending {
  const words = `no server answers at ${config.url}: start one with \`npx takt up\`, or set TAKT_URL`
  return new Ending(UNREACHABLE, words, { cause })
}

async function refusalOf(response: Response, config: Config): Promise<Ending> {
  const text = await response.text()
  const { code, title, detail, hint } = problemIn(text)
  if (response.status === 401 && code !== 'bad-login') return new Ending(WRONG_USE, notLetIn(config))
  const sentences = [title, detail].filter((part) => part !== undefined && part !== '').join(': ')
  const said =
    sentences === ''
      ? `${config.url} answered with ${response.status} and not as a Takt server does`
      : sentences
  const words = hint === undefined ? said : `${said}\n    ${hint}`
  if (AWAY.has(response.status)) return new Ending(UNREACHABLE, words)
  if (response.status < 500) return new Ending(WRONG_USE, words)
  return new Ending(RED, /^the server failed/i.test(words) ? words : `the server failed: ${words}`)
}

/** What a proxy says when nobody is behind it, and a server that cannot work at the moment: the same question may be asked later. */
const AWAY: ReadonlySet<number> = new Set([502, 503, 504])

function notLetIn(config: Config): string {
  const what =
    config.token === null ? 'the server wants to know who asks' : 'the server does not know this token'
  return `${what}: sign in with \`takt login\`, or set TAKT_TOKEN to an API token of ${config.url} (on its own machine it is read from ${config.dataDir}/token)`
}

/** The parts of a problem+json answer that are for people; nothing where the answer is something else, as from a proxy. */
function problemIn(text: string): { code?: string; title?: string; detail?: string; hint?: string } {
  try {
    const read: unknown = JSON.parse(text)
    if (typeof read !== 'object' || read === null) return {}
    const entries = Object.entries(read).filter(([, value]) => typeof value === 'string')
    return Object.fromEntries(entries)
  } catch {
    return {} // not JSON, so not ours
  }
}
