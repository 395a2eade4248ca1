import type { Tree } from '../shape/scalars.ts'
import { piecesOf } from './interpolate.ts'

const SECRET = /^secret\.([A-Za-z_][A-Za-z0-9_]*)$/

/** The secret that `$(secret.NAME)` means; null where a value is none. Only the `source` of a custom resource knows such values. */
export const secretOf = (value: string): string | null => SECRET.exec(value)?.[1] ?? null

/** The secrets that the texts of a source name, each once, in their order. */
export const secretsNamed = (source: Tree): string[] => [...new Set(textsOf(source).flatMap(namedIn))]

/** A source with its secrets put in, once: what a secret holds is never looked at again. `$$(` stands for `$(` itself. */
export function withSecrets(source: Tree, valueOf: (secret: string) => string): Tree {
  if (typeof source === 'string') return put(source, valueOf)
  if (source === null || typeof source !== 'object') return source
  if (isList(source)) return source.map((child) => withSecrets(child, valueOf))
  return Object.fromEntries(Object.entries(source).map(([key, child]) => [key, withSecrets(child, valueOf)]))
}

function put(text: string, valueOf: (secret: string) => string): string {
  return piecesOf(text)
    .map((piece) => {
      if (piece.kind === 'text') return piece.text
      const secret = piece.kind === 'value' ? secretOf(piece.name) : null
      return secret === null ? piece.written : valueOf(secret)
    })
    .join('')
}

const namedIn = (text: string): string[] =>
  piecesOf(text).flatMap((piece) => (piece.kind === 'value' ? (secretOf(piece.name) ?? []) : []))

function textsOf(source: Tree): string[] {
  if (typeof source === 'string') return [source]
  if (source === null || typeof source !== 'object') return []
  return (isList(source) ? source : Object.values(source)).flatMap(textsOf)
}

const isList = (source: Tree): source is readonly Tree[] => Array.isArray(source)
