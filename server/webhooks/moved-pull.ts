import type { DeliveryId } from '#pipelines/ids.ts'
import type { Trx } from '../db/connect.ts'
import type { NewDelivery } from './receive.ts'

type Moved = { readonly before: string | null; readonly after: string }
type Told = Pick<NewDelivery, 'source' | 'event' | 'body'>

/**
 * A pull request whose head has moved without anybody telling us: what its forge told of it last, at the commit where it is now.
 *
 * @returns Null where its forge is one whose words we do not know, or has told us nothing of it.
 */
export async function movedPull(db: Trx, last: DeliveryId, moved: Moved): Promise<Told | null> {
  const row = await db
    .selectFrom('deliveries')
    .select(['source', 'event', 'body'])
    .where('id', '=', last)
    .executeTakeFirst()
  if (!row?.body) return null
  const { source, event } = row
  const payload = JSON.parse(row.body.toString('utf8')) as Members // it was read before, or it would not have been applied
  const told = retold(source, payload, moved)
  return told && { source, event, body: Buffer.from(JSON.stringify(told)) }
}

type Members = Readonly<Record<string, unknown>>
const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null ? (value as Members) : {}

function retold(source: NewDelivery['source'], payload: Members, { before, after }: Moved): Members | null {
  const was = before === null ? {} : { before }
  const pull = membersOf(payload['pull_request'])
  const pull_request = { ...pull, head: { ...membersOf(pull['head']), sha: after } }
  switch (source) {
    case 'github':
      return { ...payload, ...was, action: 'synchronize', pull_request }
    case 'gitea':
      return { ...payload, action: 'synchronized', pull_request }
    case 'gitlab': {
      const request = membersOf(payload['object_attributes'])
      const last_commit = { ...membersOf(request['last_commit']), id: after }
      const oldrev = before === null ? {} : { oldrev: before }
      return { ...payload, object_attributes: { ...request, ...oldrev, action: 'update', last_commit } }
    }
    default:
      return null
  }
}
