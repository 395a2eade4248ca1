import { WebSocket } from 'ws'
import type { LiveSays } from '#pipelines/wire/live.ts'
import type { House } from './server.ts'

/** A dashboard's end of `/live`, in the hands of the test. */
export type Watcher = AsyncDisposable & {
  readonly heard: LiveSays[]
  say(message: unknown): void
  readonly closed: Promise<number>
  readonly socket: WebSocket
}

export async function watcher(
  house: Pick<House, 'url' | 'token'>,
  headers: Record<string, string> = { authorization: `Bearer ${house.token}` },
): Promise<Watcher> {
  const socket = new WebSocket(`${house.url.replace('http', 'ws')}/live`, { headers })
  const heard: LiveSays[] = []
  socket.on('message', (words: Buffer) => heard.push(JSON.parse(words.toString())))
  const closed = new Promise<number>((resolve) => socket.on('close', resolve))
  await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return {
    heard,
    say: (message) => socket.send(JSON.stringify(message)),
    closed,
    socket,
    async [Symbol.asyncDispose]() {
      socket.terminate()
    },
  }
}
