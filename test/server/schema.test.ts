import { readFile } from 'node:fs/promises'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { GATE_STATES, RUN_STATES, RUNNER_EVENTS, RUNNER_MODES, STEP_STATES } from '#pipelines/states.ts'
import { LOCKS } from '../../server/db/locks.ts'
import { migrate } from '../../server/db/migrate.ts'
import { freshDatabase } from '../support/database.ts'

/** What each PostgreSQL type is called in schema.ts, once the words that only Kysely needs are taken away. */
const KINDS: Record<string, RegExp> = {
  bigint: /^(number|\w+Id)$/,
  integer: /^number$/,
  boolean: /^boolean$/,
  text: /^(string|RunState|GateState|GateKind|PullHeadState|Verdict|ForgeName|StepState|StepKind|RunnerMode|RunnerEventKind|StartMode|How|ResourceKind|TriggerFate|DeliverySource|DeliveryState|Role|Measure|Grain|'[\w' |]+')$/,
  bytea: /^Buffer$/,
  jsonb: /^(Json<.*>|JSONColumnType<.*>)$/,
  'timestamp with time zone': /^Time$/,
  ARRAY: /^(number|string)\[\]$/,
}

type Column = { table: string; column: string; type: string; nullable: boolean; filled: boolean }

test('the schema’s types say what the migrations made', async () => {
  await using database = await freshDatabase()
  const { rows } = await sql<Column>`
    select table_name as table, column_name as column, data_type as type, is_nullable = 'YES' as nullable,
           column_default is not null or is_identity = 'YES' as filled
    from information_schema.columns where table_schema = 'public' and table_name not like 'kysely%'
    order by table_name, column_name`.execute(database.db)
  const declared = await declaredColumns()
  expect([...declared.keys()].toSorted()).toEqual(
    rows.map(({ table, column }) => `${table}.${column}`).toSorted(),
  )
  for (const { table, column, type, nullable, filled } of rows) {
    const words = declared.get(`${table}.${column}`) ?? ''
    const generated = /^Generated<(.*)>$/.exec(words)?.[1] ?? words
    const bare = generated.replace(/ \| null$/, '')
    expect({ column: `${table}.${column}`, nullable: generated.endsWith(' | null') }).toEqual({
      column: `${table}.${column}`,
      nullable,
    })
    expect({
      column: `${table}.${column}`,
      type,
      bare: KINDS[type]?.test(bare) ? 'as it is' : bare,
    }).toMatchObject({ bare: 'as it is' })
    if (bare !== 'Time')
      expect({ column: `${table}.${column}`, filled: words.startsWith('Generated') }).toEqual({
        column: `${table}.${column}`,
        filled,
      })
  }
})

/** The files that say what the tables look like, and the type in each of them that does. */
const DECLARED = [
  ['access-tables.ts', 'export type AccessTables = '],
  ['act-tables.ts', 'export type ActTables = '],
  ['audit-tables.ts', 'export type AuditTables = '],
  ['hook-tables.ts', 'export type HookTables = '],
  ['policy-tables.ts', 'export type PolicyTables = '],
  ['schema.ts', 'export type Schema = '],
  ['run-tables.ts', 'export type RunTables = '],
  ['file-tables.ts', 'export type FileTables = '],
  ['gate-tables.ts', 'export type GateTables = '],
  ['operate-tables.ts', 'export type OperateTables = '],
  ['pull-tables.ts', 'export type PullTables = '],
  ['status-tables.ts', 'export type StatusTables = '],
  ['terminal-tables.ts', 'export type TerminalTables = '],
  ['report-tables.ts', 'export type ReportTables = '],
  ['upstream-tables.ts', 'export type UpstreamTables = '],
  ['value-tables.ts', 'export type ValueTables = '],
  ['state-tables.ts', 'export type StateTables = '],
  ['source-tables.ts', 'export type SourceTables = '],
  ['schedule-tables.ts', 'export type ScheduleTables = '],
  ['notice-tables.ts', 'export type NoticeTables = '],
  ['secret-tables.ts', 'export type SecretTables = '],
  ['tally-tables.ts', 'export type TallyTables = '],
  ['attestation-tables.ts', 'export type AttestationTables = '],
] as const

async function declaredColumns(): Promise<Map<string, string>> {
  const all = await Promise.all(DECLARED.map(([file, type]) => columnsIn(file, type)))
  return new Map(all.flatMap((columns) => [...columns]))
}

/** `table.column` and its type as a file writes it. */
async function columnsIn(file: string, type: string): Promise<Map<string, string>> {
  const text = await readFile(new URL(`../../server/db/${file}`, import.meta.url), 'utf8')
  const body = text.slice(text.indexOf(type)).split('\n}\n')[0]!.replace(/\s+/g, ' ')
  const columns = new Map<string, string>()
  for (const [, table, inside] of body.matchAll(/ (\w+): \{ ((?:[^{}]|\{[^{}]*\})*?) \}/g)) {
    for (const column of inside!.split(/; | (?=\w+: (?!\s))/)) {
      const [, name, type] = /^(\w+): (.*?);?$/.exec(column.trim()) ?? []
      if (name && type) columns.set(`${table}.${name}`, type.trim())
    }
  }
  return columns
}

test.each([
  ['runs', 'state', RUN_STATES],
  ['steps', 'state', STEP_STATES],
  ['commands', 'state', STEP_STATES],
  ['gates', 'state', GATE_STATES],
  ['runners', 'mode', RUNNER_MODES],
  ['runner_events', 'kind', RUNNER_EVENTS],
] as const)(
  'the check on %s.%s knows the states of the table, and no others',
  async (table, column, states) => {
    await using database = await freshDatabase()
    const { rows } = await sql<{ check: string }>`
    select pg_get_constraintdef(oid) as check from pg_constraint
    where conrelid = ${`public.${table}`}::regclass and contype = 'c' and pg_get_constraintdef(oid) like ${`CHECK ((${column} = ANY%`}`.execute(
      database.db,
    )
    const checked = [...rows[0]!.check.matchAll(/'(\w+)'::text/g)].map(([, state]) => state)
    expect(checked.toSorted()).toEqual([...states].toSorted())
  },
)

test('a run is running exactly as long as it is leased, whatever a query tries', async () => {
  await using database = await freshDatabase()
  const { db } = database
  await sql`insert into repositories (kind, url) values ('git', 'https://example.org/x')`.execute(db)
  await sql`insert into projects (name, repository_id) values ('x', 1)`.execute(db)
  await sql`insert into pipelines (project_id, name, path) values (1, 'main', '.takt.yml')`.execute(db)
  await sql`insert into revisions (pipeline_id, sha, source, diagnostics) values (1, 'a', '', '[]')`.execute(
    db,
  )
  await sql`insert into lanes (pipeline_id, name) values (1, 'main')`.execute(db)
  await sql`insert into jobs (pipeline_id, name) values (1, 'test')`.execute(db)
  const insert = (state: string, lease: string) =>
    sql`insert into runs (job_id, lane_id, revision_id, number, state, reason, advances, lease_until, ended_at)
        values (1, 1, 1, 1, ${state}, '', true, ${sql.raw(lease)}, null)`.execute(db)
  await expect(insert('running', 'null')).rejects.toThrow(/check constraint/)
  await expect(insert('queued', 'now()')).rejects.toThrow(/check constraint/)
  await expect(insert('succeeded', 'null')).rejects.toThrow(/check constraint/)
  await expect(insert('green', 'null')).rejects.toThrow(/check constraint/)
  await insert('running', 'now()')
})

test('several servers that start at once migrate once', async () => {
  await using database = await freshDatabase()
  await sql`drop schema public cascade`.execute(database.db)
  await sql`create schema public`.execute(database.db)
  const applied = await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)])
  expect(applied.filter((names) => names.length > 0)).toHaveLength(1)
})

test('no two kinds of advisory lock share a number', () => {
  const numbers = Object.values(LOCKS)
  expect(new Set(numbers).size).toBe(numbers.length)
})
