import { no, ok, type Reply } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

type Placed = { readonly project?: string; readonly name?: string }

/** What the server tells somebody who is not signed in of an answer for those who are: what is public, with the role to look at it. */
export function guestReply(world: FakeWorld, path: string, reply: () => Reply): Reply {
  const refused = no(401, 'not-signed-in', 'This needs a session or an API token')
  if (path === '/server/maintenance')
    return ok({ maintenance: world.server.maintenance && { ...world.server.maintenance, by: null } })
  if (!/^\/(projects|pipelines|runs)\b/.test(path)) return refused
  const open = new Set(world.projects.filter((one) => one.public).map(({ name }) => name))
  const sees = ({ project, name }: Placed) => open.has(project ?? name ?? '')
  const { status, body } = reply()
  if (status !== 200 || typeof body !== 'object' || body === null) return refused
  if ('items' in body && Array.isArray(body.items))
    return { status, body: { ...body, items: body.items.filter(sees).map(asViewer) } }
  return sees(body) ? { status, body: asViewer(body) } : refused
}

const asViewer = (body: object) => ('role' in body ? { ...body, role: 'viewer' } : body)
