import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { publicGit } from '../support/public-git.ts'
import { hostedProject } from '../support/repository.ts'
import { steeredLine } from '../support/steer.ts'
import { settled } from '../support/told.ts'
import { until } from '../support/until.ts'

const LINE = '/api/v1/projects/shop/pipelines/main/resources/infra'

async function infraLine(url: string, more = '') {
  const it = await steeredLine(`resources: { src: { git: . }, infra: { git: "${url}", check: 1h${more} } }
jobs: { plan: { get: infra, run: x } }
`)
  const standing = async () => (await it.house.ask(`GET ${LINE}`)).body.check
  const look = async () => {
    const before = (await standing())?.checked_at
    await it.house.ask(`POST ${LINE}/check`)
    await until(async () => ((await standing())?.checked_at ?? null) !== before)
    await settled(it.house)
  }
  const first = async () => {
    await it.push()
    await until(async () => (await standing())?.checked_at)
    await settled(it.house)
  }
  const versions = async () =>
    (await it.house.ask(`GET ${LINE}/versions`)).body.items.map((each: { name: string }) => each.name)
  return Object.assign(it, { standing, look, first, versions })
}

test('commits of a repository that tells nobody of its pushes become versions', async () => {
  await using infra = await publicGit('infra')
  const one = await infra.clone.push({ a: '1' })
  await using it = await infraLine(infra.url)
  await it.first()
  expect(await it.versions()).toEqual([one])
  const two = await infra.clone.push({ a: '2' })
  await it.look()
  await it.look()
  expect(await it.versions()).toEqual([two, one])
  expect((await it.runs('plan')).map(({ inputs }) => inputs)).toEqual([
    [`infra ${one.slice(0, 7)}`],
    [`infra ${two.slice(0, 7)}`],
  ])
  expect((await settled(it.house)).length).toBe(3)
})

test('the branch that the server calls its default one is watched, or the one that the file names', async () => {
  await using infra = await publicGit('infra')
  await infra.clone.push({ a: '1' })
  const trunk = await infra.clone.push({ a: '2' }, { branch: 'trunk' })
  const release = await infra.clone.push({ a: '3' }, { branch: 'release' })
  await infra.clone.git('--git-dir', infra.bare, 'symbolic-ref', 'HEAD', 'refs/heads/trunk')
  await using plain = await infraLine(infra.url)
  await plain.first()
  expect(await plain.versions()).toEqual([trunk])
  await using named = await infraLine(infra.url, ', branch: release')
  await named.first()
  expect(await named.versions()).toEqual([release])
})

test('who begins to watch a repository that others watch has its newest commit at once', async () => {
  await using infra = await publicGit('infra')
  const sha = await infra.clone.push({ a: '1' })
  await using it = await infraLine(infra.url)
  await it.first()
  const file = `resources: { src: { git: . }, again: { git: "${infra.url}", check: 1h } }\njobs: { plan: { get: again, run: x } }\n`
  await it.clone.push({ '.takt.yml': null, '.takt/main.yml': file })
  await until(async () =>
    (await it.runs('plan')).some(({ inputs }) => inputs[0] === `again ${sha.slice(0, 7)}`),
  )
})

test('commits that filters keep out are told once, not at every look', async () => {
  await using infra = await publicGit('infra')
  await infra.clone.push({ 'docs/a': '1' })
  await using it = await infraLine(infra.url, ', paths: [prod/**]')
  await it.first()
  await it.look()
  await it.look()
  const told = (await settled(it.house)).length
  await it.look()
  expect((await settled(it.house)).length).toBe(told)
})

test('a repository that nobody may read is a reason in words', async () => {
  await using infra = await publicGit('infra')
  await using it = await infraLine(infra.url.replace('infra.git', 'none.git'))
  await it.first()
  expect((await it.standing()).error).toMatchObject({
    code: 'git_failed',
    message: expect.stringMatching(/not found|404/),
  })
})

const LOGIN = 'ann:a-password-of-nobody-else'

test('a private repository opens to the login of its resource, for its project alone and written nowhere', async () => {
  await using infra = await publicGit('infra', LOGIN)
  const one = await infra.clone.push({ a: '1' })
  await using it = await infraLine(infra.url, ', login: INFRA')
  await it.first()
  expect((await it.standing()).error).toMatchObject({
    code: 'secret_missing',
    message: expect.stringContaining('takt secrets set shop INFRA'),
  })
  await using other = await hostedProject(it.house, 'other')
  await other.push({
    '.takt.yml': `resources: { spy: { git: "${infra.url}", check: 1h } }\njobs: { look: { get: spy, run: x } }\n`,
  })
  await it.house.ask('PUT /api/v1/projects/shop/secrets/INFRA', { value: LOGIN })
  await it.look()
  expect(await it.versions()).toEqual([one])
  const two = await infra.clone.push({ a: '2' })
  await it.look()
  expect(await it.versions()).toEqual([two, one])
  const spied = '/api/v1/projects/other/pipelines/main/resources/spy'
  const { check } = (await it.house.ask(`GET ${spied}`)).body
  expect(check.error).toMatchObject({ code: 'git_failed' })
  expect((await it.house.ask(`GET ${spied}/versions`)).body.items).toEqual([])
  const mirrors = join(it.house.dataDir, 'mirrors')
  for (const entry of await readdir(mirrors, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name !== 'config') continue
    expect(await readFile(join(entry.parentPath, entry.name), 'utf8')).not.toMatch(/password|Basic/)
  }
})
