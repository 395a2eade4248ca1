import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'

/**
 * The floor of a live page: a bare WebSocket server that passes on what it is told, and a page that writes it down. Nothing of
 * Takt, nothing stored.
 */
export type Bare = AsyncDisposable & {
  /** Of the page. */
  readonly url: string
  readonly sockets: string
  /** Pass words on to everybody. */
  say(words: string): void
}

/** As many rows are drawn as a log keeps drawn. */
const PAGE = `<!doctype html><title>bare</title><main></main><script>
  const main = document.querySelector('main')
  new WebSocket(location.href.replace('http', 'ws')).onmessage = ({ data }) => {
    main.append(Object.assign(document.createElement('p'), { textContent: data }))
    if (main.children.length > 200) main.firstChild.remove()
  }
</script>`

export async function startBare(): Promise<Bare> {
  const http = createServer((_request, response) => response.setHeader('content-type', 'text/html').end(PAGE))
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: false })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    sockets: `ws://127.0.0.1:${port}`,
    say(words) {
      for (const socket of sockets.clients) socket.send(words)
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
      http.close()
    },
  }
}
