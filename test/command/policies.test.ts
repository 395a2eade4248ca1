import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fakeApi } from './fake-api.ts'
import { scratch, takt } from './run-takt.ts'

const AT = '/api/v1/organizations/acme/policies'
const DENIAL = { project: 'shop', pipeline: 'main', lane: 'main', effect: 'deny', rule: 'a', words: 'no x' }

test('policies are shown, set from a file, and tried before', async () => {
  await using api = await fakeApi({
    [`GET ${AT}`]: { body: { source: '- { name: a }\n', updated_at: null, updated_by: null } },
    [`PUT ${AT}`]: { body: {} },
    [`POST ${AT}/try`]: { body: { files: 3, items: [DENIAL] } },
  })
  await using place = await scratch()
  const file = join(place.path, 'policies.yml')
  await writeFile(file, '[]\n')
  const policies = (...args: string[]) => takt(['policies', ...args], { env: { TAKT_URL: api.url } })

  expect(await policies('show', 'acme')).toMatchObject({ code: 0, out: '- { name: a }\n' })
  expect(await policies('set', 'acme', file)).toMatchObject({ code: 0 })
  expect(api.asked.at(-1)).toMatchObject({ method: 'PUT', body: { source: '[]\n' } })
  const tried = await policies('try', 'acme', file)
  expect(tried).toMatchObject({ code: 1, out: 'shop/main on main: deny: no x\n' })
  expect(tried.err).toContain('3 files are in force')
  expect(await policies('set', 'acme', join(place.path, 'none'))).toMatchObject({ code: 2 })
})
