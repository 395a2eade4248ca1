import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** Answer a request to upgrade with a refusal and a sentence instead, and hang up, whether or not the other side does. */
export function refuseUpgrade(socket: Duplex, status: number, reason: string): void {
  const body = JSON.stringify({
    type: 'about:blank',
    title: STATUS_CODES[status] ?? '',
    status,
    detail: reason,
  })
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  )
}
