import { expect, test } from 'vitest'
import { publicGit } from '../support/public-git.ts'
import { startHouse } from '../support/server.ts'
import { steer } from '../support/steer.ts'
import { line, tell, ZERO } from '../support/told.ts'

const FILE = `triggers: { push: ['**'] }
resources: { src: { git: . }, trunk: { git: ., branch: BRANCH } }
jobs: { compare: { get: { src: {}, trunk: { trigger: false } }, run: x } }
`

test.each(['pr/1', 'tag/1', 'heads/x'])(
  'the default branch may be named like another kind of lane: %s',
  async (branch) => {
    await using house = await startHouse()
    await using git = await publicGit()
    const { runs } = steer(house.db)
    await house.ask('POST /api/v1/projects', { name: 'shop', repository: { url: git.url } })
    const repository = { id: 42, clone_url: git.url, default_branch: branch }
    const push = async (before: string, files: Record<string, string>, to = branch) => {
      const after = await git.clone.push(files, { branch: to })
      const { reason } = await tell(house, 'push', { ref: `refs/heads/${to}`, before, after, repository })
      return { after, reason }
    }
    const file = FILE.replace('BRANCH', branch)
    const first = await push(ZERO, { '.takt.yml': file })
    const lane = `heads/${branch}`
    const short = (sha: string) => sha.slice(0, 7)
    expect(first.reason).toBe(
      `shop/main: src ${short(first.after)} on ${lane}; shop/main: trunk ${short(first.after)} on ${lane}`,
    )
    const feature = await push(ZERO, { count: '1' }, 'feature')
    expect((await runs()).map((run) => [run.lane, ...run.inputs])).toEqual([
      [lane, `src ${short(first.after)}`, `trunk ${short(first.after)}`],
      ['feature', `src ${short(feature.after)}`, `trunk ${short(first.after)}`],
    ])
    const shown = await line(house)
    expect(shown).toMatchObject({ lane })
    const onFeature = (await line(house, 'feature')).resources
    expect(JSON.stringify(onFeature)).toContain(first.after)
    const started = await house.ask('POST /api/v1/projects/shop/pipelines/main/jobs/compare/runs', {})
    expect(started.body).toMatchObject({ lane })
    await push(first.after, { '.takt.yml': 'nonsense' })
    const { items } = (await house.ask('GET /api/v1/pipelines')).body
    expect(items).toMatchObject([{ project: 'shop', valid: false }])
  },
)
