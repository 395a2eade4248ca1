import type { Span } from './ansi.ts'
import type { LogSought } from './log-api.ts'

export type MarkedSpan = Span & { readonly isFound: boolean }

/** What a search looks for, as the server understands it; null where it cannot be read. */
export function soughtPattern({ words, isPattern, isExact }: LogSought): RegExp | null {
  const source = isPattern ? words : words.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
  try {
    return new RegExp(source, isExact ? 'g' : 'gi')
  } catch {
    return null // whoever types it is told by the server
  }
}

/** A line's text with what was looked for cut out of it, whatever colours it runs over. */
export function marked(spans: readonly Span[], pattern: RegExp | null): readonly MarkedSpan[] {
  if (!pattern) return spans.map((span) => ({ ...span, isFound: false }))
  const text = spans.map((span) => span.text).join('')
  const cuts = [...text.matchAll(pattern)].flatMap(({ index, 0: { length } }) =>
    length > 0 ? [index, index + length] : [],
  )
  const cutSpans: MarkedSpan[] = []
  let at = 0
  for (const { text: part, style } of spans) {
    const end = at + part.length
    const inner = cuts.filter((cut) => cut > at && cut < end)
    for (const [index, from] of [at, ...inner].entries()) {
      const to = inner[index] ?? end
      const isFound = cuts.filter((cut) => cut <= from).length % 2 === 1
      cutSpans.push({ text: text.slice(from, to), style, isFound })
    }
    at = end
  }
  return cutSpans
}
