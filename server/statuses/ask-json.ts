import { ForgeRefusal, refusalOf } from './forge.ts'

export type JsonRequest = {
  readonly forge: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: object
  readonly signal: AbortSignal
}

const TIMEOUT_MS = 10_000
/** Of an answer only its beginning is of use. */
const MOST_BYTES = 4_000

/** Post JSON to a forge that the operator has named. @throws {ForgeRefusal} */
export async function postJson({ forge, url, headers, body, signal }: JsonRequest): Promise<Response> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      'user-agent': 'takt',
      ...headers,
    },
    body: JSON.stringify(body),
    redirect: 'error', // a token goes nowhere else
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  }).catch((error: unknown) => {
    signal.throwIfAborted()
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    throw new ForgeRefusal(
      'all',
      `${forge} does not answer: ${cause instanceof Error ? cause.message : cause}`,
    )
  })
  if (response.ok) {
    await response.body?.cancel()
    return response
  }
  const header = (name: string) => response.headers.get(name)
  throw refusalOf(forge, { status: response.status, header, words: await beginningOf(response) }, Date.now())
}

async function beginningOf(response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  try {
    for await (const part of response.body ?? []) {
      text += decoder.decode(part, { stream: true })
      if (text.length > MOST_BYTES) break
    }
  } catch {
    // The answer broke off: its status says enough.
  }
  const said = /"(?:message|error)"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text
  return said.replaceAll(/\s+/g, ' ').trim()
}
