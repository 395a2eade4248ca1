import { z } from 'zod'

const MOST_LINE_BYTES = 16 * 2 ** 20

/** One line of what the engine says while it builds or pushes. */
export const Event = z.object({
  id: z.string().optional(),
  stream: z.string().optional(),
  status: z.string().optional(),
  error: z.string().optional(),
  /** Of a build a base64 text (BuildKit's trace) or the image; of a push what the registry has now. */
  aux: z
    .union([z.string(), z.object({ ID: z.string().optional(), Digest: z.string().optional() })])
    .optional()
    .catch(undefined),
})
export type Event = z.output<typeof Event>

/** The engine's events, one JSON value per line. Pulls: as long as nobody asks for more, nothing is read. */
export async function* eventsIn(stream: AsyncIterable<unknown>): AsyncGenerator<Event, void> {
  let rest = ''
  const decoder = new TextDecoder()
  for await (const chunk of stream) {
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk as Uint8Array, { stream: true })
    if (rest.length > MOST_LINE_BYTES) throw new Error('The engine said a line without an end.')
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield* eventOf(line)
  }
  yield* eventOf(rest)
}

function* eventOf(line: string): Generator<Event, void> {
  if (line.trim() === '') return
  const event = Event.safeParse(parsed(line))
  if (event.success) yield event.data
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined // no event; the schema says so
  }
}
