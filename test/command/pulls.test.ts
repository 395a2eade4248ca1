import { expect, test } from 'vitest'
import { fakeGithub } from '../support/fake-forges.ts'
import { publicGit } from '../support/public-git.ts'
import { withPull } from '../support/pull.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'
import { outcomeOf, startTakt } from './run-takt.ts'

test(
  'pull requests are decided on, and statuses are looked at and sent again, by the command',
  { timeout: 60_000 },
  async () => {
    await using forge = await fakeGithub()
    await using house = await startHouse({ GITHUB_API_URL: forge.url, GITHUB_TOKEN: 'gh-token' })
    await using git = await publicGit()
    const env = { TAKT_URL: house.url, TAKT_TOKEN: house.token }
    const takt = (...args: string[]) => outcomeOf(startTakt(args, { env }))
    expect(await takt('pulls')).toMatchObject({ code: 0, err: 'no pull request waits for anybody\n' })
    const pull = await withPull(house, git, '{ push: main, pull_request: main }')
    const sha = await pull.commit({ a: '1' })
    const repository = { id: 42, clone_url: git.url, full_name: 'acme/shop', default_branch: 'main' }
    await pull.say('opened', { pull: { head: { sha, ref: 'x', repo: null } }, more: { repository } })
    expect((await takt('pulls')).out).toMatch(new RegExp(`shop#2 +${sha.slice(0, 7)}`))
    const NAME = 'takt/shop/main (pull request)'
    await until(() => forge.shown(sha)[NAME] === 'in_progress')
    expect(await takt('approve', 'shop#2', '--head', '0000000')).toMatchObject({
      code: 2,
      err: expect.stringContaining(sha),
    })
    expect(await takt('approve', 'shop#2')).toMatchObject({
      code: 0,
      err: expect.stringContaining('approved'),
    })
    expect(await takt('approve', 'shop#2')).toMatchObject({
      code: 2,
      err: expect.stringContaining('takt pulls'),
    })
    await until(() => forge.shown(sha)[NAME] === 'queued')
    await until(async () => (await takt('statuses', '--sha', sha)).out.includes('sent'))
    const listed = JSON.parse((await takt('statuses', '--json', '--sha', sha)).out)
    expect(listed.items).toMatchObject([{ name: NAME, verdict: 'queued', repository: 'acme/shop' }])
    const before = forge.heard.length
    expect((await takt('statuses', '--retry', String(listed.items[0].id))).code).toBe(0)
    await until(() => forge.heard.length > before)
  },
)
