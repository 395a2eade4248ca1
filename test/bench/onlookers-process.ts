import { WebSocket } from 'ws'
import type { DashboardSays } from '#pipelines/wire/live.ts'

/** What a process full of onlookers is told: to open sockets, to say how it goes, or to forget what it heard. */
export type Asked =
  | {
      readonly ask: 'open'
      readonly address: string
      readonly secrets: readonly string[]
      readonly each: number
      /** What each of them says when it is there, in turns. */
      readonly says: readonly (readonly DashboardSays[])[]
    }
  | { readonly ask: 'count' }
export type Told = { readonly open: number; readonly messages: number; readonly bytes: number }

/** They dial at the same time, as browsers do whose server is back. */
const AT_ONCE = 25
const sockets: WebSocket[] = []
let messages = 0
let bytes = 0

process.on('message', (asked: Asked) => {
  if (asked.ask === 'open') void openAll(asked).then(tell)
  else tell()
})
process.on('disconnect', () => process.exit())

function tell(): void {
  const open = sockets.filter((socket) => socket.readyState === socket.OPEN).length
  process.send?.({ open, messages, bytes } satisfies Told)
}

async function openAll({ address, secrets, each, says }: Extract<Asked, { ask: 'open' }>): Promise<void> {
  const wanted = secrets.flatMap((secret) => Array.from({ length: each }, () => secret)).entries()
  const dialOn = async () => {
    for (const [index, secret] of wanted) await open(address, secret, says[index % says.length] ?? [])
  }
  await Promise.all(Array.from({ length: AT_ONCE }, dialOn))
}

async function open(address: string, secret: string, says: readonly DashboardSays[]): Promise<void> {
  const headers = secret === '' ? {} : { authorization: `Bearer ${secret}` }
  const socket = new WebSocket(address, { headers, perMessageDeflate: false })
  socket.on('message', (frame: Buffer) => {
    messages++
    bytes += frame.length
  })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  for (const said of says) socket.send(JSON.stringify(said))
  sockets.push(socket)
}
