import type { WebSocket, WebSocketServer } from 'ws'

const BEAT_MS = 10_000

/** Ask every socket now and then whether it is still there, and cut those that missed two questions. @returns How to stop. */
export function startHeartbeat(server: WebSocketServer): () => void {
  const silent = new WeakMap<WebSocket, number>()
  const beat = setInterval(() => {
    for (const socket of server.clients) {
      if (!silent.has(socket)) socket.on('pong', () => silent.set(socket, 0))
      const missed = silent.get(socket) ?? 0
      if (missed >= 2) socket.terminate()
      else {
        silent.set(socket, missed + 1)
        socket.ping()
      }
    }
  }, BEAT_MS)
  return () => clearInterval(beat)
}
