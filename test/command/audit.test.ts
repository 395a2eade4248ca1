import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startHouse } from '../support/server.ts'
import { scratch, takt } from './run-takt.ts'

test('the audit log is listed, exported and verified, here and far from the server', async () => {
  await using house = await startHouse()
  await using place = await scratch()
  const env = { TAKT_URL: house.url, TAKT_TOKEN: house.token }
  await takt(['projects', 'add', 'shop'], { env })
  await house.ask('POST /api/v1/projects', { name: 'shop' })

  const { out } = await takt(['audit', 'list', '--action', 'project.'], { env })
  expect(out).toMatch(/2 .* admin +project\.add +\/projects +refused +project-exists: /)
  expect(out).toMatch(/1 .* admin +project\.add +\/projects +done/)
  const listed = await takt(['audit', 'list', '--outcome', 'done', '--json'], { env })
  expect(JSON.parse(listed.out).items).toMatchObject([{ id: 1, via: 'cli', project: 'shop' }])

  const whole = await takt(['audit', 'verify'], { env })
  expect(whole).toMatchObject({ code: 0, out: expect.stringMatching(/^2 entries hold; the last is 2/) })

  const file = join(place.path, 'audit.ndjson')
  const exported = await takt(['audit', 'export'], { env })
  await writeFile(file, exported.out)
  expect(await takt(['audit', 'verify', '--file', file])).toMatchObject({ code: 0, out: whole.out })

  await writeFile(file, exported.out.replace('"actor":"admin"', '"actor":"eve"'))
  expect(await takt(['audit', 'verify', '--file', file])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/entry 1 does not hold: it is not what was written/),
  })
  await writeFile(file, 'not an entry\n')
  expect(await takt(['audit', 'verify', '--file', file])).toMatchObject({ code: 2 })
  expect(await takt(['audit', 'verify', '--file', join(place.path, 'none')])).toMatchObject({ code: 2 })
})
