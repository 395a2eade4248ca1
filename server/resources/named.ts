import { type RawBuilder, sql } from 'kysely'

/** Beside a row of `versions`: its name begins like this. Spelt so that the index over beginnings serves any parameter. */
export const beginsWith = (beginning: RawBuilder<unknown> | string) => {
  const text = typeof beginning === 'string' ? sql`${beginning}::text` : beginning
  return sql<boolean>`(versions.name ~>=~ ${text} and versions.name ~<~ (${text} || chr(1114111)))`
}
