import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Verdict } from '#pipelines/statuses/verdict.ts'
import type { Db } from '../../server/db/connect.ts'
import { isSettling } from '../../server/statuses/look.ts'
import { type Spot, standingOf } from '../../server/statuses/standing.ts'
import { steeredLine } from '../support/steer.ts'
import { until } from '../support/until.ts'

/** A commit whose one run is there. */
async function pushed() {
  const line = await steeredLine('jobs: { test: { run: x } }')
  await line.push()
  const { db } = line.house
  const project = await db.selectFrom('projects').selectAll().executeTakeFirstOrThrow()
  const pipeline = await db.selectFrom('pipelines').select('id').executeTakeFirstOrThrow()
  const { name: sha } = await db.selectFrom('versions').select('name').executeTakeFirstOrThrow()
  const spot: Spot = {
    ...{ pipelineId: pipeline.id, project: project.name, pipeline: 'main', kind: 'push', sha },
    repositoryId: project.repository_id,
  }
  return { db, spot, [Symbol.asyncDispose]: () => line[Symbol.asyncDispose]() }
}

const isHeldUp = async (db: Db, pid: number) => {
  const { rows } = await sql<{ held: boolean }>`
    select exists (select from pg_locks where pid = ${pid} and not granted) as held`.execute(db)
  return rows[0]!.held
}

test('a run that is created while its commit is looked at is not overlooked', async () => {
  await using it = await pushed()
  const { db, spot } = it
  const inputs = await db.deleteFrom('run_inputs').returningAll().execute()
  const seen = Promise.withResolvers<number>()
  const look = () =>
    db.transaction().execute(async (tx) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)
      seen.resolve(rows[0]!.pid)
      return standingOf(tx, spot)
    })
  const looked = await db.transaction().execute(async (tx) => {
    await sql`lock table dirty_jobs in access exclusive mode`.execute(tx)
    const looking = look()
    const pid = await seen.promise
    await until(() => isHeldUp(db, pid))
    await tx.insertInto('run_inputs').values(inputs).execute()
    return { looking }
  })
  expect(await looked.looking).toMatchObject({ line: { verdict: 'queued' }, isOpen: false })
})

test('that nothing runs for a commit is told when everything was looked at, however long that takes', () => {
  const standing = (verdict: Verdict, isOpen: boolean) => ({
    ...{ line: { verdict, words: '' }, jobs: [], lane: 'main', isOpen },
  })
  const isHeldBack = (verdict: Verdict, { isOpen = true, long = true } = {}) =>
    isSettling(standing(verdict, isOpen), { long })
  expect(isHeldBack('skipped')).toBe(true)
  expect(isHeldBack('skipped', { isOpen: false })).toBe(false)
  expect(isHeldBack('succeeded', { long: false })).toBe(true)
  expect(isHeldBack('succeeded')).toBe(false)
  expect(isHeldBack('queued', { long: false })).toBe(false)
})
