import type { CallAct } from './claim-calls.ts'

/** What came of one request. */
export type Outcome = {
  readonly state: 'good' | 'failed' | 'errored'
  readonly status: number | null
  /** Why it was not good. */
  readonly words: string | null
  readonly answer: string | null
  readonly code: 'unexpected_answer' | 'service_away' | 'timeout' | 'call_refused' | null
  /** Whether the same request would come to the same end. */
  readonly isFinal: boolean
  /** How long the service asks to be left alone. */
  readonly patienceMs: number
  readonly outputs: Readonly<Record<string, string>>
}

type Answer = {
  readonly status: number
  readonly text: string
  readonly patienceMs: number
  /** Hides secrets in what is said of it, before that is cut. */
  readonly mask: (text: string) => string
}

/** What these say is said of the service at this moment, and not of what was asked. */
const AWAY = [408, 425, 429, 502, 503, 504]
const MOST_OUTPUT = 16_384

const NOTHING = { status: null, answer: null, patienceMs: 0, outputs: {}, isFinal: false } as const

/** Nothing was sent, or nothing came back. */
export const unanswered = (code: 'service_away' | 'timeout' | 'call_refused', words: string): Outcome => ({
  ...NOTHING,
  state: 'errored',
  code,
  words,
  isFinal: code === 'call_refused',
})

/** Whether an answer is what the step expects: its status first, then its JSON, then what is to be taken from it. */
export function judge(spec: Pick<CallAct, 'expect' | 'json' | 'outputs'>, answer: Answer): Outcome {
  const { status, text, patienceMs, mask } = answer
  const base = { ...NOTHING, status, answer: text, patienceMs }
  const failed = (words: string): Outcome => ({ ...base, state: 'failed', code: 'unexpected_answer', words })
  const isExpected = spec.expect.length > 0 ? spec.expect.includes(status) : status >= 200 && status <= 299
  if (!isExpected) {
    const words = `it answered ${status}, and ${spec.expect.join(' or ') || '200 to 299'} is expected`
    return AWAY.includes(status) ? { ...base, state: 'errored', code: 'service_away', words } : failed(words)
  }
  const places = [...Object.keys(spec.json), ...Object.values(spec.outputs)]
  if (places.length === 0) return { ...base, state: 'good', code: null, words: null }
  const read = jsonOf(text)
  if (!read) return failed(`it answered ${status} and no JSON, in which \`${places[0]}\` is looked for`)
  const wrong = Object.entries(spec.json).flatMap(([place, wanted]) =>
    unmet(textAt(read.json, place), { place, wanted, mask }),
  )
  if (wrong[0] !== undefined) return failed(wrong[0])
  const outputs: Record<string, string> = {}
  for (const [name, place] of Object.entries(spec.outputs)) {
    const found = textAt(read.json, place)
    if (found === null)
      return failed(`its answer has no text, number or truth at \`${place}\`, for \`${name}\``)
    if (found.length > MOST_OUTPUT)
      return failed(
        `\`${place}\` of its answer has ${found.length} characters, and ${MOST_OUTPUT} fit in a value`,
      )
    outputs[name] = found
  }
  return { ...base, state: 'good', code: null, words: null, outputs }
}

function jsonOf(text: string): { readonly json: unknown } | null {
  try {
    return { json: JSON.parse(text) }
  } catch {
    return null // its words are the caller’s
  }
}

type Wanted = Pick<Answer, 'mask'> & { readonly place: string; readonly wanted: readonly string[] }

function unmet(found: string | null, { place, wanted, mask }: Wanted): string[] {
  if (found !== null && wanted.includes(found)) return []
  const stands = found === null ? 'is not there' : `is \`${mask(found).slice(0, 100)}\``
  return [
    `\`${place}\` of its answer ${stands}, and ${wanted.map((each) => `\`${each}\``).join(' or ')} is expected`,
  ]
}

/** What stands at a place such as `data.items.0.id`; null where that is nothing, or more than one value. */
function textAt(json: unknown, place: string): string | null {
  let at = json
  for (const key of place.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return null
    if (Array.isArray(at) && !/^\d+$/.test(key)) return null
    at = Reflect.get(at, key)
  }
  return typeof at === 'string' ? at : typeof at === 'number' || typeof at === 'boolean' ? String(at) : null
}
