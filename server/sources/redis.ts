import type { Came, EventSource } from './event-source.ts'
import { addressesOf, resolved } from '../http/outgoing.ts'
import { placeIn } from './checked-lookup.ts'

/** There is one reader at a time: what it left behind when it was killed is its own again. */
const CONSUMER = 'takt'
const MOST_AT_ONCE = 100
const BLOCK_MS = 5_000
const CONNECT_MS = 10_000

/** A Redis stream. The client is loaded only where somebody reads one. */
export const readRedis: EventSource = async ({ settings, login, allowed, keep, onReached, signal }) => {
  const { createClient } = await import('@redis/client')
  const [address = ''] = settings.addresses
  const place = placeIn(address)
  // The very address that was checked: the client is given no name to look up for itself.
  const [checked] = await addressesOf(place, { allowed, resolve: resolved })
  const socket = {
    ...{ host: checked?.address ?? '', port: Number(place.port) },
    ...{ connectTimeout: CONNECT_MS, reconnectStrategy: false as const },
    ...(settings.tls ? { tls: true as const, servername: place.host } : {}),
  }
  const client = createClient({ socket, ...(login ? named(login) : {}) })
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => {}) // whoever reads hears of it below; nobody else waits for it
  client.on('error', broken.reject)
  const quit = () => client.destroy()
  try {
    await client.connect()
    signal.addEventListener('abort', quit, { once: true })
    await ensureGroup(client, settings)
    await onReached()
    const read = (from: string) =>
      client.xReadGroup(
        settings.group,
        CONSUMER,
        { key: settings.stream, id: from },
        { COUNT: MOST_AT_ONCE, BLOCK: BLOCK_MS },
      )
    // First what was handed out before and never acknowledged, then what is new.
    for (let from = '0'; !signal.aborted;) {
      const came = cameIn(await Promise.race([read(from), broken.promise]))
      if (came.length === 0) {
        from = '>'
        continue
      }
      await keep(came)
      await client.xAck(
        settings.stream,
        settings.group,
        came.map(({ event }) => event),
      )
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', quit)
    if (client.isOpen) client.destroy()
  }
}

/** A password without a user is that of the default user. */
const named = ({ username, password }: { username: string; password: string }) =>
  username === 'token' ? { password } : { username, password }

type Client = {
  xGroupCreate(key: string, group: string, id: string, options: { MKSTREAM: true }): Promise<unknown>
}

async function ensureGroup(
  client: Client,
  { stream, group, from }: { stream: string; group: string; from: string },
) {
  try {
    await client.xGroupCreate(stream, group, from === 'new' ? '$' : '0', { MKSTREAM: true })
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('BUSYGROUP'))) throw error // it is there already
  }
}

type Entry = { readonly id: string; readonly message: Readonly<Record<string, unknown>> | null }

/** An entry that was deleted before anybody read it has no fields. */
function cameIn(answer: unknown): Came[] {
  const streams = (answer ?? []) as readonly { readonly messages: readonly Entry[] }[]
  return streams.flatMap(({ messages }) =>
    messages.map(({ id, message }) => ({ event: id, payload: JSON.stringify(message ?? {}) })),
  )
}
