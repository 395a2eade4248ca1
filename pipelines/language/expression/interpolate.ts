/** The values that are known at a place, by their whole name: `src.sha`, `matrix.node`, `input.rollout`. */
export type Values = ReadonlyMap<string, string>

/** A piece of a text: as it stands, or `$(…)` with what is between the brackets. `at` counts from the text's beginning. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly name: string; readonly written: string; readonly at: number }
  | { readonly kind: 'broken'; readonly written: string; readonly at: number }

/** A resource, a job or a word of the language, and one thing about it; an event's body is read by a path. */
export const VALUE_NAME = /^[a-z0-9-]+(?:\.[A-Za-z0-9_-]+)+$/
const MARK = /\$\$\(|\$\(([^()]{0,200})\)|\$\(/g

/** A text in pieces. `$$(` stands for `$(` itself. */
export function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = []
  let done = 0
  for (const found of text.matchAll(MARK)) {
    if (found.index > done) pieces.push({ kind: 'text', text: text.slice(done, found.index) })
    pieces.push(pieceOf(found))
    done = found.index + found[0].length
  }
  if (done < text.length) pieces.push({ kind: 'text', text: text.slice(done) })
  return pieces
}

function pieceOf(found: RegExpExecArray): Piece {
  const [written, inner] = found
  if (written === '$$(') return { kind: 'text', text: '$(' }
  const name = inner?.trim() ?? ''
  return VALUE_NAME.test(name)
    ? { kind: 'value', name, written, at: found.index }
    : { kind: 'broken', written, at: found.index }
}

/**
 * A text with its values put in, once: what a value holds is never looked at again. Never for `run`, where values arrive as
 * variables.
 *
 * @returns The names that have no value, where there are any.
 */
export function interpolate(
  text: string,
  values: Values,
): { readonly text: string } | { readonly missing: readonly string[] } {
  const pieces = piecesOf(text)
  const missing = pieces.flatMap((piece) =>
    piece.kind === 'broken'
      ? [piece.written]
      : piece.kind === 'value' && !values.has(piece.name)
        ? [piece.name]
        : [],
  )
  if (missing.length > 0) return { missing: [...new Set(missing)] }
  const put = pieces.map((piece) =>
    piece.kind === 'text' ? piece.text : piece.kind === 'value' ? (values.get(piece.name) ?? '') : '',
  )
  return { text: put.join('') }
}

/** The variable under which a command finds a value: `my-src.sha` is MY_SRC_SHA. */
export const variableOf = (name: string): string => name.toUpperCase().replaceAll(/[.-]/g, '_')
