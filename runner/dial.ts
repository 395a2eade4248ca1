import { WebSocket } from 'ws'
import type { RawData } from 'ws'

const HANDSHAKE_MS = 10_000
const PING_MS = 5_000
/** A connection that was silent for so long, though pinged, is dead; noticed at the next ping. */
const SILENCE_MS = 9_000
/** A plan may be long; nothing the server says is longer than this. */
const MOST_BYTES = 16 * 2 ** 20

/** The server knows the token not, or no more. */
export class Unauthorized extends Error {}

export type DialOptions = {
  readonly token: string
  readonly signal: AbortSignal
  /** Gets every message, also one that arrives together with the handshake's answer. */
  readonly listen: (data: RawData, binary: boolean) => void
}

/** Open the runner's connection; it closes by itself when the other side falls silent. */
export async function dial(address: string, { token, signal, listen }: DialOptions): Promise<WebSocket> {
  signal.throwIfAborted()
  const socket = new WebSocket(address, {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
    handshakeTimeout: HANDSHAKE_MS,
    maxPayload: MOST_BYTES,
    // Masks protect proxies from pages in browsers (RFC 6455, 10.3); this is none, and logs go out by the megabyte.
    generateMask: (mask) => mask.fill(0),
  })
  socket.on('message', listen)
  const abort = () => socket.terminate()
  signal.addEventListener('abort', abort, { once: true })
  try {
    await opened(socket)
  } finally {
    signal.removeEventListener('abort', abort)
  }
  socket.on('error', () => {}) // every error is followed by a close, which is what the link listens to
  watchPulse(socket)
  return socket
}

function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.on('error', reject)
    socket.once('unexpected-response', (request, response) => {
      const { statusCode } = response
      const refused = statusCode === 401 || statusCode === 403
      reject(
        refused
          ? new Unauthorized('The server does not accept the runner token.')
          : new Error(`The server answered ${statusCode}.`),
      )
      request.destroy()
    })
  })
}

function watchPulse(socket: WebSocket): void {
  let heardAt = performance.now()
  const alive = () => (heardAt = performance.now())
  socket.on('message', alive).on('pong', alive).on('ping', alive)
  const timer = setInterval(() => {
    if (performance.now() - heardAt > SILENCE_MS) socket.terminate()
    else socket.ping()
  }, PING_MS)
  socket.once('close', () => clearInterval(timer))
}
