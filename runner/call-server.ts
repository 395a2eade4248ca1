import { setTimeout as delay } from 'node:timers/promises'
import { EngineError } from './engine.ts'
import type { Work } from './work.ts'

/** How often a call is tried, and how long is waited before each further time: a server that restarts is back in a minute. */
const WAITS_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000]

export type Call = {
  readonly method?: 'GET' | 'PUT' | 'POST'
  /** Below `/runner/runs/<run>/`, its parts already encoded. */
  readonly path: string
  /** Made anew for each try. */
  readonly body?: () => Promise<BodyInit | ReadableStream>
  readonly signal: AbortSignal
}

/** The server's refusal of a call: a code of its own and its sentence. */
export class Refusal extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.name = 'Refusal'
    this.code = code
  }
}

/** Asks the server over HTTP for what a run needs, in the name of its lease. */
export type CallServer = (work: Pick<Work, 'plan' | 'lease'>, call: Call) => Promise<Response>

/**
 * Calls that are tried again while the server is away. What it refuses it refuses at once.
 *
 * @param server  Its address as this machine reaches it, without a slash at the end.
 * @throws {Refusal} When the server says no.
 * @throws {EngineError} `server_unavailable`, when it does not answer for a minute.
 */
export const callServer =
  (server: string): CallServer =>
  async (work, call) => {
    for (const waitMs of [...WAITS_MS, null]) {
      const answer = await attempt(server, work, call)
      if (!(answer instanceof EngineError)) return answer
      if (waitMs === null) throw answer
      await delay(waitMs, undefined, { signal: call.signal })
    }
    throw new EngineError('server_unavailable', 'The server was not asked.')
  }

/** @returns The answer, or why it is worth another try. */
async function attempt(
  server: string,
  { plan, lease }: Pick<Work, 'plan' | 'lease'>,
  { method = 'GET', path, body, signal }: Call,
): Promise<Response | EngineError> {
  try {
    const response = await fetch(`${server}/runner/runs/${plan.run}/${path}`, {
      method,
      headers: { authorization: `Bearer ${lease}` },
      signal,
      redirect: 'error',
      ...(body ? { body: await body(), duplex: 'half' } : {}),
    })
    if (response.ok) return response
    const { code, words } = await refusalIn(response)
    if (response.status < 500) throw new Refusal(code, words)
    return away(words)
  } catch (error) {
    signal.throwIfAborted()
    const cause = error instanceof TypeError ? error.cause : error
    if (cause instanceof Error && isNetworks(cause)) return away(cause.message, cause)
    throw cause
  }
}

/** Errors of the connection have codes of the system or of its client; those of what was being sent have none. */
const isNetworks = (cause: Error & { code?: unknown }) =>
  typeof cause.code === 'string' && /^(E[A-Z]+|UND_ERR_[A-Z_]+)$/.test(cause.code)

const away = (words: string, cause?: unknown) =>
  new EngineError('server_unavailable', `The server cannot be asked: ${words}`, { cause })

async function refusalIn(response: Response): Promise<{ code: string; words: string }> {
  const text = (await response.text()).slice(0, 4_000)
  try {
    const { code, detail } = JSON.parse(text) as { code?: unknown; detail?: unknown }
    return { code: String(code ?? response.status), words: String(detail ?? response.status) }
  } catch {
    return { code: String(response.status), words: `it answered ${response.status}` } // a proxy before it, not the server
  }
}
