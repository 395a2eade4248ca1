import { expect, test } from 'vitest'
import { github, pushOf, settled } from '../support/github.ts'
import { publicGit } from '../support/public-git.ts'
import { startHouse } from '../support/server.ts'

test('a repository keeps its project when it is renamed', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  await house.ask('POST /api/v1/projects', { name: 'shop', repository: { url: git.url } })
  const sha = await git.clone.push({ '.takt.yml': 'jobs: { test: { run: say x } }' })
  await github(house, pushOf(git.url, sha))
  await settled(house, 1)
  const renamed = git.url.replace('shop.git', 'store.git')
  await github(house, pushOf(renamed, '0'.repeat(40), 'refs/heads/gone'))
  expect((await settled(house, 2))[0]).toMatchObject({ state: 'processed', project: 'shop' })
  expect((await house.ask('GET /api/v1/projects/shop')).body.repository.url).toBe(renamed)
})

test('whoever takes the name that a repository had gets neither its project nor its runs', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  await house.ask('POST /api/v1/projects', { name: 'shop', repository: { url: git.url } })
  const sha = await git.clone.push({ '.takt.yml': 'jobs: { test: { run: say x } }' })
  await github(house, pushOf(git.url, sha))
  await settled(house, 1)
  const squatter = { repository: { id: 666, clone_url: git.url, default_branch: 'main' } }
  await github(house, pushOf(git.url, sha, 'refs/heads/mine', squatter))
  const [told] = await settled(house, 2)
  expect(told).toMatchObject({ state: 'refused', project: null })
  expect(told?.reason).toContain('another repository')
  const { forge_id } = await house.db.selectFrom('repositories').select('forge_id').executeTakeFirstOrThrow()
  expect(forge_id).toBe('42')
})
