import { lookup } from 'node:dns/promises'
import type { LookupAddress } from 'node:dns'
import { isIP } from 'node:net'
import { Agent, buildConnector, fetch as fetchOver } from 'undici'
import { type Allowed, isInNetwork, isNamed, isOutside, readAllowed } from './reachable.ts'

/** Why nothing came of a request: a constant code and a sentence for people, which names no address that a name led to. */
export class OutgoingError extends Error {
  override readonly name = 'OutgoingError'
  readonly code: 'bad_address' | 'address_refused' | 'unreachable' | 'silent' | 'too_large' | 'redirected'
  constructor(code: OutgoingError['code'], words: string) {
    super(words)
    this.code = code
  }
}

export type OutgoingInit = {
  readonly method?: string | undefined
  readonly headers?: HeadersInit | undefined
  readonly body?: string | Uint8Array<ArrayBuffer> | null | undefined
  readonly signal?: AbortSignal | null | undefined
  /** For everything together, the answer's body included. */
  readonly timeoutMs?: number | undefined
  /** What an answer's body may have, unpacked. Reading more of it throws. */
  readonly mostBytes?: number | undefined
  /** How often it goes on to where an answer sends it; with 0 the answer that sends it on is given back. */
  readonly redirects?: number | undefined
}

/** The one door to addresses that people, files and answers name. */
export interface Outgoing extends AsyncDisposable {
  /**
   * Ask. Whoever gets the answer reads its body, or cancels it: an answer that is left lying holds its connection.
   *
   * @returns Whatever was answered, errors of HTTP included.
   * @throws {OutgoingError} Reading the body throws it, too.
   */
  fetch(url: string | URL, init?: OutgoingInit): Promise<Response>
}

export type OutgoingSettings = {
  /** `TAKT_ALLOW_HOSTS`. */
  readonly allow?: string | undefined
  /** How names become addresses; the machine's way where nothing is said. */
  readonly resolve?: (name: string) => Promise<readonly LookupAddress[]>
}

const TIMEOUT_MS = 30_000
const CONNECT_MS = 10_000
const MOST_BYTES = 4 * 1024 * 1024
const REDIRECTS = 5
/** What goes along to another origin: nothing that could open anything. */
const HARMLESS = ['accept', 'accept-language', 'user-agent']

/**
 * HTTP that is not led inside: each address is checked when a connection is made, after its name was resolved, and the connection goes
 * to just that address; so it is for every address that an answer sends to.
 */
export function outgoing({ allow = '', resolve = resolved }: OutgoingSettings = {}): Outgoing {
  const allowed = readAllowed(allow)
  const agent = new Agent({ connect: connector(allowed, resolve) })
  return {
    async fetch(url, { timeoutMs = TIMEOUT_MS, signal, mostBytes = MOST_BYTES, ...init } = {}) {
      const over = AbortSignal.timeout(timeoutMs)
      const either = signal ? AbortSignal.any([signal, over]) : over
      const worded = (error: unknown) => inWords(error, { over, timeoutMs, signal })
      try {
        const answer = await walk(agent, startOf(url, init), { signal: either, left: init.redirects })
        return bounded(answer, { mostBytes, worded })
      } catch (error) {
        throw worded(error)
      }
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  }
}

/** How names become addresses: the machine's way. */
export const resolved = (name: string) => lookup(name, { all: true })

/** Connections to what was checked and to nothing else. */
function connector(
  allowed: Allowed,
  resolve: NonNullable<OutgoingSettings['resolve']>,
): buildConnector.connector {
  return (options, done) => {
    const host = options.hostname.replace(/^\[|\]$/g, '')
    const port = options.port || (options.protocol === 'https:' ? '443' : '80')
    addressesOf({ host, port }, { allowed, resolve }).then(
      (addresses) => {
        const fixed = buildConnector({
          timeout: CONNECT_MS,
          lookup: (_name, { all }, found) => {
            const [first] = addresses
            if (all) found(null, [...addresses])
            else found(null, first?.address ?? '', first?.family)
          },
        })
        fixed({ ...options, hostname: host }, done)
      },
      (error: Error) => done(error, null),
    )
  }
}

/** Each address of a name, when all of them may be asked: a name that leads inside by one of two is no name of outside. */
export async function addressesOf(
  { host, port }: { readonly host: string; readonly port: string },
  { allowed, resolve }: { allowed: Allowed; resolve: NonNullable<OutgoingSettings['resolve']> },
): Promise<readonly LookupAddress[]> {
  const family = isIP(host)
  const name = family === 6 ? `[${host}]` : host.toLowerCase().replace(/\.$/, '')
  const addresses = family > 0 ? [{ address: host, family }] : await resolve(host)
  if (addresses.length === 0)
    throw new OutgoingError('unreachable', `\`${name}\` cannot be reached: it has no address`)
  if (isNamed(allowed, name, port)) return addresses
  const refused = addresses.some(({ address }) => !isOutside(address) && !isInNetwork(allowed, address))
  if (!refused) return addresses
  const leads = family > 0 ? 'is' : 'leads to'
  throw new OutgoingError(
    'address_refused',
    `\`${name}\` ${leads} an address of this machine or of a private network, which this server does not ask; who runs it can allow it: TAKT_ALLOW_HOSTS=${name}:${port}`,
  )
}

type Sent = {
  readonly url: URL
  readonly method: string
  readonly headers: Headers
  readonly body: OutgoingInit['body']
}

function startOf(url: string | URL, { method = 'GET', headers, body }: OutgoingInit): Sent {
  const sent = new Headers(headers)
  if (!sent.has('user-agent')) sent.set('user-agent', 'takt')
  return { url: checkedUrl(String(url)), method: method.toUpperCase(), headers: sent, body: body ?? null }
}

/** @throws {OutgoingError} `bad_address`. The address may hold a secret: it is not in the words. */
function checkedUrl(text: string, at?: URL): URL {
  const url = URL.canParse(text, at) ? new URL(text, at) : null
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw new OutgoingError('bad_address', 'the address must begin with https:// or http://')
  if (url.username !== '' || url.password !== '')
    throw new OutgoingError(
      'bad_address',
      'the address holds a user name or password; send them in a header instead',
    )
  return url
}

type Answered = Awaited<ReturnType<typeof fetchOver>>

async function walk(
  agent: Agent,
  first: Sent,
  { signal, left = REDIRECTS }: { signal: AbortSignal; left: number | undefined },
): Promise<Answered> {
  let next: Sent | null = first
  for (let hop = 0; ; hop++) {
    const { url, method, headers, body }: Sent = next
    const answer: Answered = await fetchOver(url, {
      ...{ method, headers: [...headers], signal, dispatcher: agent, redirect: 'manual' },
      body: body ?? null,
    })
    const to = left > 0 && answer.status !== 304 ? answer.headers.get('location') : null
    if (to === null || answer.status < 300 || answer.status > 399) return answer
    await answer.body?.cancel()
    if (hop >= left)
      throw new OutgoingError('redirected', `the answers send from place to place, more than ${left} times`)
    next = onward(next, { status: answer.status, to: checkedUrl(to, url) })
  }
}

/** The request that an answer asks for instead: elsewhere without what opens doors, and without what was to be said there. */
function onward(
  { url, method, headers, body }: Sent,
  { status, to }: { readonly status: number; readonly to: URL },
): Sent {
  const elsewhere = to.origin !== url.origin
  if (url.protocol === 'https:' && to.protocol === 'http:')
    throw new OutgoingError('redirected', 'the answer sends from https:// to http://, which is not followed')
  const plain = status === 303 ? method !== 'HEAD' : status <= 302 && method === 'POST'
  if (elsewhere && !plain && body !== null)
    throw new OutgoingError(
      'redirected',
      `the answer (${status}) sends what was posted to another place, \`${to.host}\`, which is not followed; name that place itself`,
    )
  const kept = [...headers].filter(([name]) =>
    elsewhere ? HARMLESS.includes(name) : !plain || !name.startsWith('content-'),
  )
  return plain
    ? { url: to, method: 'GET', headers: new Headers(kept), body: null }
    : { url: to, method, headers: new Headers(kept), body }
}

type Bounds = { readonly mostBytes: number; readonly worded: (error: unknown) => OutgoingError | Error }

/** The answer with a body that ends, with words where it does not end well. */
function bounded(answer: Answered, { mostBytes, worded }: Bounds): Response {
  const { status, statusText, body } = answer
  const headers = new Headers([...answer.headers])
  if (body === null) return new Response(null, { status, statusText, headers })
  const from: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> = body.getReader()
  let bytes = 0
  const within = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(into) {
      const piece = await from.read().catch((error: unknown) => {
        throw worded(error)
      })
      if (piece.done) return into.close()
      bytes += piece.value.byteLength
      if (bytes > mostBytes) {
        await from.cancel()
        throw new OutgoingError('too_large', `the answer has more than ${mostBytes} bytes`)
      }
      into.enqueue(piece.value)
    },
    cancel: (reason) => from.cancel(reason),
  })
  return new Response(within, { status, statusText, headers })
}

type Times = {
  readonly over: AbortSignal
  readonly timeoutMs: number
  readonly signal: AbortSignal | null | undefined
}

/** What went wrong as one who reads it understands it; an abort of the caller's own stays as it is. */
function inWords(error: unknown, { over, timeoutMs, signal }: Times): Error {
  if (error instanceof OutgoingError) return error
  if (signal?.aborted) return error instanceof Error ? error : new Error(String(error))
  if (over.aborted) return new OutgoingError('silent', `there was no whole answer in ${timeoutMs / 1_000} s`)
  const causes: unknown[] = []
  for (let at: unknown = error; at instanceof Error && causes.length < 5; at = at.cause) causes.push(at)
  const own = causes.find((cause) => cause instanceof OutgoingError)
  if (own instanceof OutgoingError) return own
  const last = causes.at(-1)
  const code = last instanceof Error && 'code' in last ? String(last.code) : ''
  const said = last instanceof Error && last.message !== '' ? last.message : code
  return new OutgoingError('unreachable', `the address cannot be reached: ${said.slice(0, 300)}`)
}
