import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { RunId } from '#pipelines/ids.ts'
import { chainOf } from '../../server/lines/chain.ts'
import { traceVersion } from '../../server/lines/trace.ts'
import { freshDatabase } from '../support/database.ts'
import { COMMIT, lineIn } from '../support/written-line.ts'

test('each run of a trace tells where it waited and what it went on from, and a matrix all its legs', async () => {
  await using database = await freshDatabase()
  const { db } = database
  const line = await lineIn(db)
  const version = await line.version('src', COMMIT('a'))
  const build = await line.run('build', { version })
  const legs = [await line.run('publish', { version }), await line.run('publish', { version }, 'failed')]
  for (const [index, leg] of legs.entries())
    await sql`update runs set batch_id = ${legs[0]}, matrix = ${JSON.stringify({ node: `${index}` })} where id = ${leg}`.execute(
      db,
    )
  const stage = await line.run('stage', { version }, 'waiting')
  for (const upstream of legs.slice(0, 1))
    await line.insert('run_needs', {
      run_id: stage,
      job_id: sql`(select job_id from runs where id = ${upstream})`,
      upstream_id: upstream,
    })
  await line.insert('run_needs', {
    run_id: legs[0],
    job_id: sql`(select job_id from runs where id = ${build})`,
    upstream_id: build,
  })
  await line.insert('gates', {
    ...{
      run_id: stage,
      step: 0,
      name: 'go',
      kind: 'approve',
      words: 'waits for Ann',
      deciders: sql`'{}'::text[]`,
      count: 1,
    },
    ...{ author: true, form: '[]', on_expire: 'reject' },
  })

  const { lines } = await traceVersion(db, line.project, 'aaaa')
  const at = (job: string) => lines[0]!.jobs.find((each) => each.job === job)!
  expect(at('publish').legs.map(({ id, matrix, state }) => [id, matrix?.['node'], state])).toEqual([
    [legs[0], '0', 'succeeded'],
    [legs[1], '1', 'failed'],
  ])
  expect(at('stage').run).toMatchObject({
    ...{ job: 'stage', held: 'waits for Ann', upstream: [legs[0]] },
    gates: [{ name: 'go', closed_at: null }],
  })
  expect((await chainOf(db, stage as RunId)).map(({ id }) => id)).toEqual([build, ...legs, stage])
  expect((await chainOf(db, build as RunId)).map(({ id }) => id)).toEqual([build])
})
