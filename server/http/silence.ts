import type { Server } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'

/** Every exchange of ours moves a byte far more often: git, while it works, says so every five seconds. */
const SILENT_MS = 120_000

/**
 * A push over a slow line takes as long as it takes, but whoever stalls holds what others wait for. So a request has no end by
 * the clock, and a connection on which nothing moves is cut. (The head of a request keeps Node's own limit, and WebSockets
 * their heartbeat.)
 */
export function cutTheSilent(http: Server, silentMs: number = SILENT_MS): void {
  http.requestTimeout = 0
  http.setTimeout(silentMs)
}

/** Wait for `turn` with a client that says nothing because it is we who let it wait: it is not cut off for that. */
export async function withoutHurry<T>(c: Context, turn: Promise<T>): Promise<T> {
  const socket = (c.env as Partial<HttpBindings> | undefined)?.incoming?.socket
  const silentMs = socket?.timeout ?? 0
  socket?.setTimeout(0)
  try {
    return await turn
  } finally {
    socket?.setTimeout(silentMs)
  }
}
