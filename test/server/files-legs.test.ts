import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { asRunner, packed, unpacked } from '../support/archives.ts'
import { steeredLine } from '../support/steer.ts'

const LINE = `
jobs:
  build: { matrix: { os: [c, a, b] }, run: make, keep: dist/, outputs: [a, b, last] }
  after: { needs: build, run: 'echo', env: { SEEN: '$(build.a)' } }
  other: { run: look }
`

test('who needs a matrix gets the files and the values of all its legs, the later ones over the earlier', async () => {
  await using line = await steeredLine(LINE)
  const { house } = line
  await line.push()
  const taken = [await line.claim(), await line.claim(), await line.claim(), await line.claim()]
  const made = (await line.runs('build')).map(({ id, matrix }) => ({ id, os: matrix?.['os'] ?? '' }))
  expect(made.map(({ os }) => os)).toEqual(['c', 'a', 'b'])
  for (const { id, os } of made) {
    const { lease } = taken.find((run) => run?.id === id)!
    const kept = { lease, body: await packed({ [`dist/${os}`]: os, 'dist/last': os }) }
    if (os !== 'c') await asRunner(house, `PUT /runner/runs/${id}/kept`, kept)
    await sql`update runs set values_out = ${JSON.stringify({ [os]: os, last: os })} where id = ${id}`.execute(
      house.db,
    )
  }
  // They end in another order than they were made in: what the later ones hand on does not hang on that.
  for (const index of [2, 0, 1]) await line.end('build', 'succeed', index)

  const after = (await line.claim())!
  const kept = made.slice(1).map(({ id }) => id)
  expect(after.plan.keptBy).toEqual(kept.map((run) => ({ job: 'build', run })))
  expect(after.plan.env).toMatchObject({ BUILD_A: 'a', BUILD_B: 'b', BUILD_LAST: 'b', SEEN: 'a' })
  const files = await Promise.all(
    kept.map(async (run) =>
      unpacked((await asRunner(house, `GET /runner/runs/${after.id}/kept/${run}`, after)).bytes),
    ),
  )
  expect(files).toEqual([
    { 'dist/a': 'a', 'dist/last': 'a' },
    { 'dist/b': 'b', 'dist/last': 'b' },
  ])
  const other = taken.find((run) => run?.job === 'other')!
  expect(await asRunner(house, `GET /runner/runs/${other.id}/kept/${kept[0]}`, other)).toMatchObject({
    status: 404,
    body: { code: 'files-not-found' },
  })
})
