import { CompiledQuery, Kysely, PostgresDialect, type Transaction } from 'kysely'
import { Pool, types } from 'pg'
import { takeCopies } from './copy-in.ts'
import { prepareOften } from './prepared.ts'
import type { Schema } from './schema.ts'

export type Db = Kysely<Schema>
export type Trx = Transaction<Schema>

const INT8 = 20
const INT8_ARRAY = 1016
const JSONB = 3802

/** Ids and counters stay far below 2^53, so they are numbers here; jsonb is parsed, as everywhere. */
function getTypeParser(oid: number, format?: 'text' | 'binary') {
  if (oid === INT8) return Number
  if (oid === INT8_ARRAY) return (text: string) => text.slice(1, -1).split(',').filter(Boolean).map(Number)
  if (oid === JSONB) return JSON.parse
  return types.getTypeParser(oid, format)
}

/** Connect to PostgreSQL. Connections are made when they are needed; one that breaks while idle is replaced, not fatal. */
export function connect(url: string, onLost: (error: Error) => void = () => {}): Db {
  const pool = new Pool({
    connectionString: url,
    max: 16,
    types: { getTypeParser },
    application_name: 'takt',
  })
  // Without listeners a connection that breaks would end the process: one that idles (the pool has dropped it already), or one
  // that is lent out and between two queries (its next query says so, too).
  pool.on('error', onLost)
  pool.on('connect', (client) => {
    client.on('error', onLost)
    prepareOften(client)
    takeCopies(client)
  })
  return new Kysely<Schema>({
    dialect: new PostgresDialect({
      pool,
      onCreateConnection: (connection) =>
        connection.executeQuery(CompiledQuery.raw("set timezone = 'UTC'")).then(() => undefined),
    }),
  })
}
