import { join } from 'node:path'
import { expect, test } from 'vitest'
import { git as run } from '../../server/forges/git.ts'
import { publicGit } from '../support/public-git.ts'
import { hostedProject, type Clone } from '../support/repository.ts'
import { startHouse } from '../support/server.ts'
import { line, orderOf, settled, told, untold, ZERO } from '../support/told.ts'

const FILE = { '.takt.yml': 'triggers: { push: "**", tag: "**" }\njobs: { test: { run: say x } }' }

/** Of a ref like this nobody is told. */
const HIDDEN = 'refs/hidden/main'

/** Commits on top of each other, by the letters a, b, c, …; and the letters back from the hashes. */
async function chain(clone: Clone, count: number, to = 'refs/heads/main') {
  const shas: string[] = []
  for (let at = 0; at < count; at++) shas.push(await clone.commit({ ...FILE, n: String(at) }))
  await clone.git('push', '-q', '--force', 'origin', `HEAD:${to}`)
  const names = Object.fromEntries(shas.map((sha, at) => [sha, 'abcdefghij'[at] ?? '']))
  return { shas, names }
}

test('deliveries that come in reverse end in the order of the commits', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  const { shas, names } = await chain(git.clone, 4)
  for (const at of [3, 2, 1, 0]) await tell(shas[at - 1] ?? ZERO, shas[at]!)
  expect(await orderOf(house, names)).toEqual(['a', 'b', 'c', 'd'])
  expect((await line(house)).resources[0].newest.name).toBe(shas[3])
})

test('deliveries that come without saying what was before end in the order of the commits', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  const { shas, names } = await chain(git.clone, 6)
  const words: string[] = []
  for (const at of [0, 5, 2, 3, 1, 4]) words.push((await tell(ZERO, shas[at]!)).reason)
  expect(await orderOf(house, names)).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  expect(words.map((each) => each.includes('told late'))).toEqual([false, false, true, true, true, true])
  expect((await line(house)).resources[0].newest.name).toBe(shas[5])
})

test('however many come late one after the other, each finds room above the one before it', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const { shas } = await chain(clone, 40, HIDDEN)
  const apply = await untold(house)
  for (const sha of [shas[0]!, shas[39]!, ...shas.slice(1, 39)]) await apply(sha)
  expect(await orderOf(house)).toEqual(shas)
})

test('a push that says nothing of a gap goes on top when it goes on from what is known', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  const { shas, names } = await chain(git.clone, 5)
  await tell(ZERO, shas[0]!)
  expect((await tell(shas[3]!, shas[4]!)).reason).toBe(`shop/main: src ${shas[4]!.slice(0, 7)} on main`)
  expect(await orderOf(house, names)).toEqual(['a', 'e'])
})

test('a force-push leaves behind what it does not lead to, and says so', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  const { shas, names } = await chain(git.clone, 4)
  for (const [at, sha] of shas.entries()) await tell(shas[at - 1] ?? ZERO, sha)
  await git.clone.git('reset', '-q', '--hard', shas[0]!)
  const other = await git.clone.push({ other: 'x' })
  const forced = await tell(shas[3]!, other)
  expect(forced.reason).toBe(
    `shop/main: src ${other.slice(0, 7)} on main, force-push: 3 versions left behind`,
  )
  expect(await orderOf(house, { ...names, [other]: 'x' })).toEqual(['a', '(b)', '(c)', '(d)', 'x'])
  expect((await line(house)).resources[0].newest).toMatchObject({ name: other, forced: true })
  const after = await git.clone.push({ other: 'y' })
  await tell(other, after)
  expect((await line(house)).resources[0].newest).toMatchObject({ name: after, forced: false })
})

test('a branch that is moved back takes its old version up again, and again when it goes on', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  const { shas, names } = await chain(git.clone, 3)
  for (const [at, sha] of shas.entries()) await tell(shas[at - 1] ?? ZERO, sha)
  expect((await tell(shas[2]!, shas[0]!)).reason).toContain('on main, moved back: 2 versions left behind')
  expect(await orderOf(house, names)).toEqual(['(b)', '(c)', 'a'])
  expect((await tell(shas[0]!, shas[2]!)).reason).toBe(`shop/main: src ${shas[2]!.slice(0, 7)} on main`)
  expect(await orderOf(house, names)).toEqual(['(b)', 'a', 'c'])
})

test('a push that a force-push went over before it was told is left behind at once', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  const { shas, names } = await chain(git.clone, 2)
  await git.clone.git('reset', '-q', '--hard', shas[0]!)
  const other = await git.clone.push({ other: 'x' })
  await tell(ZERO, shas[0]!)
  await tell(shas[1]!, other)
  const late = await tell(shas[0]!, shas[1]!)
  expect(late.reason).toContain('told late, and left behind by a force-push')
  expect(await orderOf(house, { ...names, [other]: 'x' })).toEqual(['a', '(b)', 'x'])
})

test('a merge goes on from both of its parents', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  const { shas, names } = await chain(git.clone, 2)
  await git.clone.git('checkout', '-q', '-b', 'side', shas[0]!)
  const side = await git.clone.commit({ side: 'x' })
  await git.clone.git('checkout', '-q', 'main')
  await git.clone.git('merge', '-q', '--no-ff', '-m', 'Merge', side)
  const merge = await git.clone.git('rev-parse', 'HEAD')
  await git.clone.git('push', '-q', 'origin', 'HEAD:refs/heads/main')
  await tell(ZERO, merge)
  await tell(ZERO, side)
  await tell(shas[0]!, shas[1]!)
  await tell(ZERO, shas[0]!)
  const order = await orderOf(house, { ...names, [side]: 's', [merge]: 'm' })
  expect([order[0], order[3], ...order.slice(1, 3).toSorted()]).toEqual(['a', 'm', 'b', 's'])
})

test('in the plain case nothing is fetched but the commit and its file', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  const { shas } = await chain(git.clone, 6)
  const cost = async (before: string, after: string, more = {}) => {
    const until = git.fetches()
    await tell(before, after, 'refs/heads/main', more)
    return git.fetches() - until
  }
  const first = await cost(ZERO, shas[0]!)
  expect(await cost(shas[0]!, shas[1]!)).toBeLessThanOrEqual(first)
  expect(await cost(shas[1]!, shas[3]!, { forced: false })).toBeLessThanOrEqual(first)
  expect(await cost(shas[3]!, shas[5]!)).toBeLessThanOrEqual(first + 1)
})

test('where the history that would tell is too long, what was told last is the newest, and that is said', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  const { shas } = await chain(git.clone, 1)
  await tell(ZERO, shas[0]!)
  const stream = Array.from(
    { length: 1_100 },
    (_, at) =>
      `commit refs/heads/main\ncommitter A <a@x> ${1_800_000_000 + at} +0000\ndata 1\nx\n` +
      (at === 0 ? `from ${shas[0]}\n` : ''),
  ).join('')
  await run(['fast-import', '--quiet'], { dir: git.bare, input: stream })
  const tip = (await run(['rev-parse', 'refs/heads/main'], { dir: git.bare })).toString().trim()
  const far = await tell(ZERO, tip)
  expect(far.reason).toContain('newest because it was told last')
  expect((await line(house)).resources[0].newest.name).toBe(tip)
})

test('of several servers that read pushes of one branch at the same time none undoes another’s', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const { shas, names } = await chain(clone, 4, HIDDEN)
  const apply = await untold(house)
  const words = await Promise.all([3, 0, 2, 1].map((at) => apply(shas[at]!, shas[at - 1] ?? null)))
  expect(words.every((each) => each.includes('src'))).toBe(true)
  expect(await orderOf(house, names)).toEqual(['a', 'b', 'c', 'd'])
})

test('a branch named like a tag or a pull request has a lane of its own', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  await chain(clone, 1)
  for (const ref of ['refs/heads/tag/v1', 'refs/heads/pr/1', 'refs/tags/v1'])
    await clone.git('push', '-q', 'origin', `HEAD:${ref}`)
  await settled(house)
  const rows = await house.db.selectFrom('lanes').select(['name', 'kind']).orderBy('name').execute()
  expect(rows).toEqual([
    { name: 'heads/pr/1', kind: 'push' },
    { name: 'heads/tag/v1', kind: 'push' },
    { name: 'main', kind: 'push' },
    { name: 'tag/v1', kind: 'tag' },
  ])
})

test('an annotated tag is a version of the commit that it names', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  const { shas } = await chain(git.clone, 1)
  await git.clone.git('tag', '-a', '-m', 'One', 'v1')
  await git.clone.git('push', '-q', 'origin', 'v1')
  await tell(ZERO, await git.clone.git('rev-parse', 'v1'), 'refs/tags/v1')
  expect(await orderOf(house, {}, 'tag/v1')).toEqual(shas)
})

test('pushes that nobody told are found when the server starts, in their place in the history', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const { shas, names } = await chain(clone, 2)
  await settled(house)
  const dir = join(house.dataDir, 'git', 'shop.git')
  const next = await clone.commit({ n: '8' })
  const last = await clone.commit({ n: '9' })
  await clone.git('reset', '-q', '--hard', shas[0]!)
  const aside = await clone.commit({ n: '7' })
  await clone.git('push', '-q', 'origin', `${last}:refs/hidden/last`, `${aside}:refs/hidden/aside`)
  const all = { ...names, [next]: 'next', [last]: 'last', [aside]: 'aside' }
  const missed = async (sha: string) => {
    await run(['update-ref', 'refs/heads/main', sha], { dir })
    await house.restart()
    return (await settled(house))[0]!.reason
  }
  expect(await missed(last)).toBe(`shop/main: src ${last.slice(0, 7)} on main`)
  expect(await orderOf(house, all)).toEqual(['b', 'last'])
  expect(await missed(aside)).toContain('force-push: 2 versions left behind')
  expect(await orderOf(house, all)).toEqual(['(b)', '(last)', 'aside'])
})

test('a head that is gone from its server is left behind all the same', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  const { shas } = await chain(git.clone, 2)
  await tell(ZERO, shas[1]!)
  await git.clone.git('checkout', '-q', '--orphan', 'anew')
  const anew = await git.clone.push({ ...FILE, n: 'anew' })
  await run(['reflog', 'expire', '--expire=now', '--all'], { dir: git.bare })
  await run(['prune', '--expire=now'], { dir: git.bare })
  expect((await tell(shas[1]!, anew)).reason).toContain('force-push: 1 version left behind')
  expect(await orderOf(house)).toEqual([`(${shas[1]})`, anew])
})

test('a branch that was deleted and made anew somewhere else begins there', async () => {
  await using house = await startHouse()
  await using git = await publicGit()
  const tell = await told(house, git)
  const { shas, names } = await chain(git.clone, 3)
  await tell(ZERO, shas[1]!)
  await tell(shas[1]!, shas[2]!)
  await tell(shas[2]!, ZERO)
  expect((await tell(ZERO, shas[1]!)).reason).toContain('moved back: 1 version left behind')
  expect(await orderOf(house, names)).toEqual(['(c)', 'b'])
  expect((await line(house)).lanes).toMatchObject([{ name: 'main', closed: false }])
})

test('a commit that somebody put in the place of another counts for nothing', async () => {
  await using house = await startHouse()
  await using clone = await hostedProject(house, 'shop')
  const { names } = await chain(clone, 2)
  await settled(house)
  const child = await clone.commit({ n: 'child' })
  await clone.git('checkout', '-q', '--orphan', 'anew')
  const anew = await clone.commit({ n: 'anew' })
  await clone.git('replace', anew, child)
  await clone.git('push', '-q', '--force', 'origin', 'refs/replace/*', `${anew}:refs/heads/main`)
  expect((await settled(house))[0]!.reason).toContain('force-push')
  expect(await orderOf(house, { ...names, [anew]: 'anew' })).toEqual(['(b)', 'anew'])
})
