import { sql } from 'kysely'
import { expect, inject, test } from 'vitest'
import { connect } from '../../server/db/connect.ts'
import { takt } from '../command/run-takt.ts'
import { ask, urlIn } from '../support/database.ts'

test('who brings a database up to date by the command is on record, with what was applied', async () => {
  const server = inject('databaseUrl')
  const name = `migrated_${process.pid}`
  await ask(server, `create database ${name}`)
  const env = { DATABASE_URL: urlIn(server, name) }
  const db = connect(env.DATABASE_URL)
  await using stack = new AsyncDisposableStack()
  stack.defer(() => ask(server, `drop database ${name} with (force)`))
  stack.defer(() => db.destroy())
  const first = await takt(['migrate', '--json'], { env })
  expect(first).toMatchObject({ code: 0, err: '' })
  const { applied } = JSON.parse(first.out) as { applied: string[] }
  expect(applied.length).toBeGreaterThan(10)
  expect((await takt(['migrate'], { env })).err).toContain('up to date already')
  const { rows } = await sql<Record<string, unknown>>`
    select action, actor_kind, outcome, reason, after from audit_entries`.execute(db)
  expect(rows).toEqual([
    {
      ...{ action: 'database.migrate', actor_kind: 'system', outcome: 'done', reason: 'takt migrate' },
      after: { applied },
    },
  ])
})
