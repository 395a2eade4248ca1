import { createHmac, randomUUID } from 'node:crypto'
import { applyPush } from '../../server/webhooks/apply-push.ts'
import type { PublicGit } from './public-git.ts'
import { GITHUB_SECRET, type House } from './server.ts'
import { until } from './until.ts'

export const ZERO = '0'.repeat(40)
export type Delivery = { readonly id: number; readonly state: string; readonly reason: string }

/** All deliveries, newest first, when something was made of each. */
export const settled = (house: House): Promise<Delivery[]> =>
  until(async () => {
    const { items } = (await house.ask('GET /api/v1/deliveries?limit=200')).body
    return items.every((item: Delivery) => item.state !== 'received') && items
  })

/** A forge tells of an event, signed. @returns What became of it. */
export async function tell(house: House, event: string, payload: object): Promise<Delivery> {
  const body = JSON.stringify({ ...payload, sent: randomUUID() })
  const signature = `sha256=${createHmac('sha256', GITHUB_SECRET).update(body).digest('hex')}`
  const headers = {
    'x-github-event': event,
    'x-github-delivery': randomUUID(),
    'x-hub-signature-256': signature,
  }
  const { delivery } = (await house.ask('POST /hooks/github', body, { as: null, headers })).body
  return (await settled(house)).find((each) => each.id === delivery)!
}

/** A project whose repository lies elsewhere, and its forge telling of pushes in any order. */
export async function told(house: House, git: PublicGit) {
  await house.ask('POST /api/v1/projects', { name: 'shop', repository: { url: git.url } })
  const repository = { id: 42, clone_url: git.url, default_branch: 'main' }
  return (before: string, after: string, ref = 'refs/heads/main', more: object = {}) =>
    tell(house, 'push', { ref, before, after, repository, ...more })
}

export const line = async (house: House, lane = '') =>
  (await house.ask(`GET /api/v1/projects/shop/pipelines/main${lane && `?lane=${encodeURIComponent(lane)}`}`))
    .body

/** The versions of a lane, oldest first, as letters where `names` has one; those that were left behind in brackets. */
export async function orderOf(house: House, names: Record<string, string> = {}, lane = 'main') {
  const rows = await house.db
    .selectFrom('versions')
    .innerJoin('lanes', 'lanes.id', 'versions.lane_id')
    .select(['versions.name', 'versions.left_at'])
    .where('lanes.name', '=', lane)
    .orderBy('versions.seq')
    .execute()
  return rows.map(({ name, left_at }) => {
    const short = names[name] ?? name
    return left_at ? `(${short})` : short
  })
}

/** Pushes of a hosted repository, made something of when the test says so and as it says: the repository itself tells nothing. */
export async function untold(house: House) {
  const repository = await house.db.selectFrom('repositories').selectAll().executeTakeFirstOrThrow()
  const { id } = await house.db
    .insertInto('deliveries')
    .values({
      ...{ source: 'git', delivery_id: 'x', signature: null, event: 'push', repository_id: repository.id },
      ...{ body: Buffer.from('{}'), reason: '', state: 'ignored', processed_at: new Date() },
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const forges = { dataDir: house.dataDir, githubToken: undefined }
  return async (after: string, before: string | null = null, ref = 'refs/heads/main') => {
    const push = { repository: null, ref, before, after, forced: null, pull: null }
    const words: string[] = []
    const applied = { id, push, repository: { ...repository, ofProject: true } }
    await applyPush(house.db, forges, applied, async (_, fate) => void words.push(fate.reason))
    return words.join()
  }
}
