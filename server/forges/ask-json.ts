import type { z } from 'zod'
import { ForgeRefusal, refusalOf } from './forge-refusal.ts'

export type JsonQuestion = {
  readonly forge: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}
type JsonRequest = JsonQuestion & { readonly body: object }

const TIMEOUT_MS = 10_000
/** Of an answer only its beginning is of use. */
const MOST_LETTERS = 4_000
/** A page of a list is smaller. */
const MOST_PAGE = 16 * 1024 * 1024

/** Post JSON to a forge that the operator has named. @throws {ForgeRefusal} */
export async function postJson({ body, ...question }: JsonRequest): Promise<Response> {
  const headers = { 'content-type': 'application/json', ...question.headers }
  const response = await ask({ ...question, headers }, { method: 'POST', body: JSON.stringify(body) })
  await response.body?.cancel()
  return response
}

/** Ask a forge that the operator has named for JSON: what it means is for the caller to find out. @throws {ForgeRefusal} */
export async function getJson(question: JsonQuestion): Promise<unknown> {
  const response = await ask(question, {})
  const parts: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const part of response.body ?? []) {
      bytes += part.length
      if (bytes > MOST_PAGE) break
      parts.push(part)
    }
    if (bytes <= MOST_PAGE) return JSON.parse(Buffer.concat(parts).toString('utf8'))
  } catch (error) {
    question.signal.throwIfAborted()
    throw new ForgeRefusal('later', `${question.forge} broke off, or answered no JSON: ${causeOf(error)}`)
  }
  throw new ForgeRefusal('later', `${question.forge} answered with more than ${MOST_PAGE} bytes`)
}

async function ask({ forge, url, headers, signal }: JsonQuestion, init: RequestInit): Promise<Response> {
  const response = await fetch(url, {
    ...init,
    headers: { accept: 'application/json', 'user-agent': 'takt', ...headers },
    redirect: 'error', // a token goes nowhere else
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  }).catch((error: unknown) => {
    signal.throwIfAborted()
    throw new ForgeRefusal('all', `${forge} does not answer: ${causeOf(error)}`)
  })
  if (response.ok) return response
  const header = (name: string) => response.headers.get(name)
  throw refusalOf(forge, { status: response.status, header, words: await beginningOf(response) }, Date.now())
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}

async function beginningOf(response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  try {
    for await (const part of response.body ?? []) {
      text += decoder.decode(part, { stream: true })
      if (text.length > MOST_LETTERS) break
    }
  } catch {
    // The answer broke off: its status says enough.
  }
  const said = /"(?:message|error)"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text
  return said.replaceAll(/\s+/g, ' ').trim()
}

/** @throws {ForgeRefusal} Where a forge shows what its API does not promise. */
export function readAnswer<S extends z.ZodType>(schema: S, shown: unknown): z.output<S> {
  const { data, error } = schema.safeParse(shown)
  if (!error) return data
  const [issue] = error.issues
  throw new ForgeRefusal(
    'later',
    `its answer is not of the expected shape: ${issue?.path.join('.')}: ${issue?.message}`,
  )
}
