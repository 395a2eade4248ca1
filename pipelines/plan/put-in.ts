import { interpolate, type Values } from '../language/expression/interpolate.ts'

/** A text that no plan can be made of, in words. */
export type Impossible = { readonly impossible: string }

/** Linux hands no program a variable of 128 kB or more. */
const MOST_BYTES = 100_000
const MOST_NAMED = 5

/**
 * A text of a job with its values put in.
 *
 * @param where What the text is, for the words: `image`, `env.NODE_ENV`.
 */
export function putIn(text: string, values: Values, where: string): string | Impossible {
  const put = interpolate(text, values)
  if ('missing' in put) return { impossible: missing(put.missing, values, where) }
  const bytes = new TextEncoder().encode(put.text).length
  if (bytes > MOST_BYTES)
    return { impossible: `\`${where}\` has ${bytes} bytes with its values put in; at most ${MOST_BYTES} fit` }
  return put.text
}

function missing(names: readonly string[], values: Values, where: string): string {
  const marked = names.slice(0, MOST_NAMED).map((name) => (name.startsWith('$') ? name : `$(${name})`))
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : ''
  const firsts = new Set(names.map((name) => name.split('.')[0]))
  const known = [...values.keys()].filter((name) => firsts.has(name.split('.')[0]))
  const has = known.slice(0, MOST_NAMED).map((name) => `$(${name})`)
  const hint = has.length > 0 ? `; it has ${has.join(', ')}` : ''
  return `\`${where}\` asks for ${marked.join(', ')}${more}, which this run has no value for${hint}`
}

/** Names as Docker's own grammar has them: a domain, a path in lower case, a tag, a digest. */
const DOMAIN = /(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])/.source
const PART = /[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*/.source
const IMAGE = new RegExp(
  `^(?:${DOMAIN}(?:\\.${DOMAIN})*(?::[0-9]{1,5})?/)?${PART}(?:/${PART})*` +
    `(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,128})?$`,
)
const MOST_LETTERS = 512

/** Whether this names an image, whatever it was made of. */
export const isImage = (text: string): boolean => text.length <= MOST_LETTERS && IMAGE.test(text)
