import { type ClientBase, DatabaseError, type QueryConfig } from 'pg'

/** Texts that are counted, and those of them that are prepared: a process asks a few hundred, and lists of any length make more. */
const MOST_COUNTED = 5_000
const MOST_PREPARED = 500
/** A text that is asked this often is worth a place in the connection's memory. */
const OFTEN = 3

const asked = new Map<string, number>()
const names = new Map<string, string>()

/** The name under which a text is prepared, the same on every connection; undefined where it is not asked often. */
function nameOf(text: string): string | undefined {
  const name = names.get(text)
  if (name !== undefined || names.size >= MOST_PREPARED) return name
  if (asked.size >= MOST_COUNTED) asked.clear()
  const count = (asked.get(text) ?? 0) + 1
  asked.set(text, count)
  if (count < OFTEN) return undefined
  asked.delete(text)
  names.set(text, `takt_${names.size}`)
  return names.get(text)
}

/**
 * Let a connection plan a query once that is asked often. PostgreSQL spends several times longer on planning our queries, which join a
 * handful of tables by their keys, than on carrying them out.
 *
 * A plan that does not fit any more because a migration has changed a table fails once; from then on this connection asks that
 * query without preparing it.
 */
export function prepareOften(client: ClientBase): void {
  const plain = client.query.bind(client)
  const outdated = new Set<string>()
  const query = (text: string | QueryConfig, values?: unknown[]) => {
    const name = typeof text === 'string' && values && values.length > 0 ? nameOf(text) : undefined
    if (typeof text !== 'string' || name === undefined || outdated.has(name)) return plain(text, values)
    return plain({ name, text, values }).catch((error: unknown) => {
      if (error instanceof DatabaseError && error.code === FEATURE_NOT_SUPPORTED) outdated.add(name)
      throw error
    })
  }
  Object.assign(client, { query })
}
/** "cached plan must not change result type". */
const FEATURE_NOT_SUPPORTED = '0A000'
