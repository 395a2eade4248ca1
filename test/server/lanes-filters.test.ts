import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { git } from '../../server/forges/git.ts'
import { publicGit } from '../support/public-git.ts'
import { hostedProject } from '../support/repository.ts'
import { type House, startHouse } from '../support/server.ts'
import { line, orderOf, settled, tell as tellOf, told, ZERO } from '../support/told.ts'

const file = (triggers: string, more = '') => ({
  '.takt.yml': `${more}\ntriggers: ${triggers}\njobs: { test: { run: say x } }\n`,
})
const SRC_ONLY = file('{ push: { branches: "**", paths: [src/**] } }')

/** What became of the last push. */
const last = async (house: House) => (await settled(house))[0]!
const changedBy = async (house: House, name: string) =>
  (await house.db.selectFrom('versions').select('changed').where('name', '=', name).executeTakeFirst())
    ?.changed
const short = (sha: string) => sha.slice(0, 7)

test('a commit that is filtered out becomes no version, and the next one counts its changes as well', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const first = await clone.push({ ...SRC_ONLY, 'src/a': '1' })
  const docs = await clone.push({ 'docs/a': '1' })
  expect(await last(house)).toMatchObject({
    state: 'ignored',
    reason: `shop/main: no version of ${short(docs)} on main: paths filter: touches none of src/**`,
  })
  const more = await clone.push({ 'docs/b': '1' })
  const next = await clone.push({ 'src/a': '2' })
  expect(await last(house)).toMatchObject({ reason: `shop/main: src ${short(next)} on main` })
  expect(await orderOf(house, { [docs]: 'docs', [more]: 'more' })).toEqual([first, next])
  expect(await changedBy(house, first)).toEqual(['.takt.yml', 'src/a'])
  expect(await changedBy(house, next)).toEqual(['docs/a', 'docs/b', 'src/a'])
})

test('what was passed over is not lost on a server elsewhere either', async () => {
  await using house = await startHouse()
  await using remote = await publicGit()
  const push = await told(house, remote)
  const shas = [
    await remote.clone.push({ ...SRC_ONLY, 'src/a': '1' }),
    await remote.clone.push({ 'docs/a': '1' }),
    await remote.clone.push({ 'src/a': '2' }),
  ]
  await push(ZERO, shas[0]!)
  expect((await push(shas[0]!, shas[1]!)).reason).toContain('touches none of src/**')
  await push(shas[1]!, shas[2]!)
  expect(await changedBy(house, shas[2]!)).toEqual(['docs/a', 'src/a'])
})

test('a push whose own commit is not to count still brings what others of it changed', async () => {
  await using house = await startHouse()
  await using remote = await publicGit()
  const push = await told(house, remote)
  const first = await remote.clone.push({ ...SRC_ONLY, 'src/a': '1' })
  await push(ZERO, first)
  await remote.clone.commit({ 'src/a': '2' })
  const tip = await remote.clone.push({ 'docs/a': '1' })
  await push(first, tip)
  expect(await changedBy(house, tip)).toEqual(['docs/a', 'src/a'])
})

test('a message that asks for it passes the commit over, but its file counts', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await clone.push(file('{ push: main, skip: { message: "[skip ci]" } }'))
  const changed = file('{ push: main, skip: { message: ["[skip ci]", wip] } }')
  const skipped = await clone.push(changed, { message: 'Mend the file\n\n[skip ci]' })
  expect((await last(house)).reason).toBe(
    `shop/main: no version of ${short(skipped)} on main: its message says \`[skip ci]\``,
  )
  const { revision, resources } = await line(house)
  expect(revision).toMatchObject({ sha: skipped, source: changed['.takt.yml'] })
  expect(resources[0].newest.name).not.toBe(skipped)
})

test('where the file does not say so, no message passes a commit over', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const sha = await clone.push(file('{ push: main }'), { message: '[skip ci]' })
  expect((await last(house)).reason).toBe(`shop/main: src ${short(sha)} on main`)
})

test('commits that touch only what is skipped are passed over, empty ones are not', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await clone.push(file('{ push: main, skip: { paths: docs/** } }'))
  await clone.push({ 'docs/a': '1' })
  expect((await last(house)).reason).toContain('paths filter: touches only docs/**')
  await clone.git('reset', '-q', '--hard', 'HEAD~1')
  const empty = await clone.push({})
  expect((await last(house)).reason).toContain(`src ${short(empty)} on main`)
})

test('a resource has versions only where its paths were touched', async () => {
  await using house = await startHouse()
  await using infra = await publicGit('infra')
  await using clone = await hostedProject(house, 'shop')
  const watched = `resources: { src: { git: . }, infra: { git: "${infra.url}", paths: [prod/**] } }`
  await clone.push(file('{ push: main }', watched))
  await settled(house)
  const pushed = async (before: string, files: Record<string, string>) => {
    const after = await infra.clone.push(files)
    const repository = { id: 7, clone_url: infra.url, default_branch: 'main' }
    return { after, ...(await tellOf(house, 'push', { ref: 'refs/heads/main', before, after, repository })) }
  }
  const first = await pushed(ZERO, { 'prod/a': '1' })
  expect(first.reason).toBe(`shop/main: infra ${short(first.after)} on main`)
  const other = await pushed(first.after, { 'test/a': '1' })
  expect(other.reason).toContain('paths filter of infra: touches none of prod/**')
  const next = await pushed(other.after, { 'prod/a': '2' })
  expect(next.reason).toBe(`shop/main: infra ${short(next.after)} on main`)
  expect(await changedBy(house, next.after)).toEqual(['prod/a', 'test/a'])
})

test('a new branch changed what it has beyond the default branch', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await clone.push({ ...SRC_ONLY, 'src/a': '1' })
  await clone.commit({ 'src/b': '1' })
  await clone.push({ 'docs/a': '1' }, { branch: 'feature' })
  const { reason } = await last(house)
  expect(reason).toMatch(/^shop\/main: src \w{7} on feature$/)
  const [feature] = await orderOf(house, {}, 'feature')
  expect(await changedBy(house, feature!)).toEqual(['docs/a', 'src/b'])
  await clone.git('checkout', '-q', '-b', 'words', 'HEAD~2')
  await clone.push({ 'docs/b': '1' }, { branch: 'words' })
  expect((await last(house)).reason).toContain('touches none of src/**')
})

test('after a force-push to what is filtered out, what it left behind is the newest no more', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const first = await clone.push({ ...SRC_ONLY, 'src/a': '1' })
  await clone.push({ 'src/a': '2' })
  await settled(house)
  await clone.git('reset', '-q', '--hard', first)
  await clone.git('push', '-q', '--force', 'origin', 'HEAD:main')
  expect((await last(house)).reason).toContain('moved back: 1 version left behind')
  const second = await clone.push({ 'src/a': '3' })
  await settled(house)
  await clone.git('reset', '-q', '--hard', first)
  await clone.push({ 'src/a': '3', 'docs/a': '1' })
  expect((await last(house)).reason).toMatch(
    /no version of \w{7} on main: paths filter: touches none of src\/\*\*, force-push: 1 version left behind$/,
  )
  expect(await orderOf(house, { [first]: 'first', [second]: 'second' })).toContain('(second)')
  expect((await line(house)).resources[0].newest.name).toBe(first)
})

test('names that git allows and nobody wants are paths like any other', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await clone.push(file('{ push: { branches: main, paths: [odd/**] } }'))
  const names = ['odd/a\nb', 'odd/"quoted"\\', 'odd/ünïcode', 'odd/{a,b}', 'odd/ -x', 'odd/\u{2028}']
  const sha = await clone.push(Object.fromEntries(names.map((name) => [name, '1'])))
  await settled(house)
  expect((await changedBy(house, sha))!.toSorted()).toEqual(names.toSorted())
  const blob = await clone.git('rev-parse', 'HEAD:odd/{a,b}')
  const entry = Buffer.concat([Buffer.from(`100644 blob ${blob}\todd/`), Buffer.from([0xff, 0xfe, 0x00])])
  await writeFile(join(clone.dir, 'entry'), entry)
  await clone.git('-c', 'alias.x=!git update-index -z --index-info < entry', 'x')
  await clone.git('commit', '-q', '-m', 'Bytes')
  await clone.git('push', '-q', 'origin', 'HEAD:main')
  await settled(house)
  const bytes = await clone.git('rev-parse', 'HEAD')
  expect(await changedBy(house, bytes)).toEqual(['odd/\u{FFFD}\u{FFFD}'])
})

test('more paths than anyone counts match every filter', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await clone.push({ ...SRC_ONLY, 'src/a': '1' })
  await settled(house)
  const tip = await clone.git('rev-parse', 'HEAD')
  const dir = join(house.dataDir, 'git', 'shop.git')
  const many = Array.from({ length: 3_001 }, (_, at) => `M 644 inline docs/${at}\ndata 1\nx\n`).join('')
  const commit = `commit refs/hidden/x\ncommitter A <a@x> 1900000000 +0000\ndata 1\nx\nfrom ${tip}\n${many}`
  await git(['fast-import', '--quiet'], { dir, input: commit })
  await clone.git('fetch', '-q', 'origin', 'refs/hidden/x')
  await clone.git('push', '-q', 'origin', 'FETCH_HEAD:refs/heads/main')
  const sha = await clone.git('rev-parse', 'FETCH_HEAD')
  expect((await last(house)).reason).toBe(`shop/main: src ${short(sha)} on main`)
  expect(await changedBy(house, sha)).toBeNull()
})
