import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { type WebSocket, WebSocketServer } from 'ws'

export type Asked = {
  readonly method: string
  readonly path: string
  readonly auth: string | undefined
  readonly body: unknown
}
export type Answers = Record<string, { readonly status?: number; readonly body: unknown }>

/** A server that answers from a table, and remembers what it was asked; `live` is its end of the WebSocket. */
export async function fakeApi(answers: Answers, live: (socket: WebSocket, said: unknown) => void = () => {}) {
  const asked: Asked[] = []
  const http = createServer(async (request, response) => {
    const question = await read(request)
    asked.push(question)
    const { status = 200, body } =
      answers[`${question.method} ${question.path}`] ?? problem(404, 'There is nothing here')
    const raw = body instanceof Uint8Array
    response.writeHead(status, { 'content-type': raw ? 'text/plain' : 'application/json' })
    response.end(raw ? body : JSON.stringify(body))
  })
  const sockets = new WebSocketServer({ server: http, path: '/live' })
  sockets.on('connection', (socket) =>
    socket.on('message', (bytes) => live(socket, JSON.parse(String(bytes)))),
  )
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const close = async () => {
    for (const socket of sockets.clients) socket.terminate()
    http.closeAllConnections()
    http.close()
    await once(http, 'close')
  }
  return {
    asked,
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: close,
  }
}

async function read(request: IncomingMessage): Promise<Asked> {
  const { method = '', url = '', headers } = request
  const body = method === 'POST' || method === 'PUT' ? await json(request).catch(() => null) : null // a question need not have a body
  return { method, path: url, auth: headers.authorization, body }
}

export const problem = (status: number, title: string, more: object = {}) => ({
  status,
  body: { type: '/problems/x', title, status, code: 'x', detail: '', ...more },
})
