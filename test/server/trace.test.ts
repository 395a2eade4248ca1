import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { ProjectId } from '#pipelines/ids.ts'
import { traceVersion } from '../../server/lines/trace.ts'
import { freshDatabase } from '../support/database.ts'
import { COMMIT, lineIn } from '../support/written-line.ts'

const jobsOf = (traced: Awaited<ReturnType<typeof traceVersion>>) =>
  traced.lines[0]?.jobs.map(({ job, run }) => [job, run?.id ?? null, run?.state ?? null])

test('a commit is traced to each job’s newest run with it, and with the image that came of it', async () => {
  await using database = await freshDatabase()
  const { db } = database
  const line = await lineIn(db)
  const [a, b] = [await line.version('src', COMMIT('a')), await line.version('src', COMMIT('b'))]
  const build = await line.run('build', { version: a })
  const image = await line.version('image', 'sha256:1', [a])
  await line.run('publish', { version: a }, 'failed')
  const publish = await line.run('publish', { version: a, put: image })
  // The deploy holds the image only, as where the commit comes from another pipeline.
  const stage = await line.run('stage', { version: image }, 'running')
  await line.run('build', { version: b })

  const traced = await traceVersion(db, line.project, 'aaaa')
  expect(traced).toMatchObject({
    version: COMMIT('a'),
    title: 'Say hi',
    author: 'Ann',
    lines: [{ pipeline: 'main', lane: 'main', resource: 'src', newest: false, left: false, disabled: null }],
  })
  expect(jobsOf(traced)).toEqual([
    ['build', build, 'succeeded'],
    ['publish', publish, 'succeeded'],
    ['stage', stage, 'running'],
    ['deploy', null, null],
  ])
  expect(traced.lines[0]!.jobs[1]!.run!.outputs).toEqual([{ resource: 'image', version: 'sha256:1' }])
  expect((await traceVersion(db, line.project, COMMIT('b'))).lines[0]!.newest).toBe(true)
})

describe('an environment', () => {
  test.each<[string, [job: string, version: 'a' | 'b', state: string][], string | null, number]>([
    ['has what went there last', [['deploy', 'a', 'succeeded']], 'here', 0],
    [
      'has it no more when something else came',
      [
        ['deploy', 'a', 'succeeded'],
        ['deploy', 'b', 'succeeded'],
      ],
      'was here',
      0,
    ],
    [
      'has it still while something else only tries',
      [
        ['deploy', 'a', 'succeeded'],
        ['deploy', 'b', 'failed'],
        ['deploy', 'b', 'running'],
      ],
      'here',
      0,
    ],
    [
      'has it still where it tries again',
      [
        ['deploy', 'a', 'succeeded'],
        ['deploy', 'a', 'running'],
      ],
      'here',
      0,
    ],
    ['gets what is under way', [['deploy', 'a', 'queued']], 'on its way', 0],
    [
      'gets back what is under way again',
      [
        ['deploy', 'a', 'succeeded'],
        ['deploy', 'b', 'succeeded'],
        ['deploy', 'a', 'running'],
      ],
      'on its way',
      2,
    ],
    ['was not reached by what failed', [['deploy', 'a', 'failed']], 'failed', 0],
    ['is not what was passed through', [['deploy', 'a', 'skipped']], null, 0],
    ['does not know what never went there', [['build', 'a', 'succeeded']], null, 0],
  ])('%s', async (_, history, state, shown) => {
    await using database = await freshDatabase()
    const line = await lineIn(database.db)
    const versions = { a: await line.version('src', COMMIT('a')), b: await line.version('src', COMMIT('b')) }
    const runs: number[] = []
    for (const [job, version, ended] of history)
      runs.push(await line.run(job, { version: versions[version] }, ended))
    const { environments } = await traceVersion(database.db, line.project, 'aaaa')
    expect(environments.map(({ name, run, state: is }) => [name, run, is])).toEqual(
      state === null ? [] : [['production', runs[shown], state]],
    )
  })
})

test('a beginning that two versions share names none of them, and one that none has is told so', async () => {
  await using database = await freshDatabase()
  const line = await lineIn(database.db)
  await line.version('src', `abcd${'1'.repeat(36)}`)
  await line.version('src', `abcd${'2'.repeat(36)}`)
  await expect(traceVersion(database.db, line.project, 'abcd')).rejects.toMatchObject({
    code: 'version-ambiguous',
    detail: expect.stringMatching(/^`abcd` could be abcd1+, abcd2+$|^`abcd` could be abcd2+, abcd1+$/),
  })
  expect((await traceVersion(database.db, line.project, 'abcd1')).version).toMatch(/^abcd1/)
  for (const wrong of ['abce', '%', '____', 'abcd\\'])
    await expect(traceVersion(database.db, line.project, wrong)).rejects.toMatchObject({
      code: 'version-not-found',
    })
})

test('a commit that another project has, too, is none of this one’s business', async () => {
  await using database = await freshDatabase()
  const line = await lineIn(database.db)
  await line.version('src', COMMIT('a'))
  await expect(traceVersion(database.db, 999 as ProjectId, 'aaaa')).rejects.toMatchObject({
    code: 'version-not-found',
  })
})

test('a trace costs the same after twenty thousand more runs', async () => {
  await using database = await freshDatabase()
  const { db } = database
  const line = await lineIn(db)
  const version = await line.version('src', COMMIT('a'))
  await line.run('build', { version })
  await line.run('deploy', { version })
  const pages = async () => {
    const read = () =>
      sql<{ pages: number }>`
        select sum(heap_blks_read + heap_blks_hit + coalesce(idx_blks_read, 0) + coalesce(idx_blks_hit, 0))::int as pages
        from pg_statio_user_tables`.execute(db)
    await sql`select pg_stat_force_next_flush()`.execute(db)
    const before = (await read()).rows[0]!.pages
    await traceVersion(db, line.project, 'aaaa')
    await sql`select pg_stat_force_next_flush()`.execute(db)
    return (await read()).rows[0]!.pages - before
  }
  const few = await pages()
  await sql`
    insert into versions (resource_id, lane_id, seq, name, body)
    select resource_id, lane_id, seq + n, md5(n::text) || 'cccccccc', body from versions, generate_series(1, 5000) n`.execute(
    db,
  )
  await sql`
    insert into runs (job_id, lane_id, revision_id, number, state, reason, advances, ended_at, environment)
    select jobs.id, runs.lane_id, runs.revision_id, 10 + n, 'succeeded', 'x', true, '2001-01-01', jobs.environment
    from (values ('build', null), ('publish', null), ('stage', 'staging'), ('deploy', 'production')) as wanted (name, environment)
    join (select id, name from jobs) named using (name)
    cross join lateral (select named.id, wanted.environment) jobs
    cross join (select lane_id, revision_id from runs limit 1) runs, generate_series(1, 5000) n`.execute(db)
  await sql`
    insert into run_inputs (run_id, position, resource_id, version_id)
    select runs.id, 0, versions.resource_id, versions.id from runs
    join versions on versions.seq = 2 + runs.id % 5000 where runs.number > 10`.execute(db)
  await sql`insert into endings (job_id, lane_id, run_id, how) select job_id, lane_id, id, 'success' from runs where number > 10`.execute(
    db,
  )
  await sql`
    insert into ending_versions select endings.job_id, endings.lane_id, version_id, endings.id, resource_id
    from endings join run_inputs using (run_id) join runs on runs.id = endings.run_id where runs.number > 10`.execute(
    db,
  )
  await sql`analyze`.execute(db)
  const many = await pages()
  expect(many).toBeLessThan(few + 200)
})
