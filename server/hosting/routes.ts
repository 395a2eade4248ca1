import { type Context, Hono } from 'hono'
import { type Access, NOBODY } from '#pipelines/access/roles.ts'
import { accessOf, mayIn } from '../access/grants.ts'
import { type Identity, userOfToken } from '../access/queries.ts'
import type { Book } from '../audit/book.ts'
import { type Facts, onRecord } from '../audit/on-record.ts'
import type { Db } from '../db/connect.ts'
import type { HouseEnv } from '../http/kit.ts'
import { hostedDir } from '../forges/repository.ts'
import type { RepositoryId } from '#pipelines/ids.ts'
import { httpBackend } from './http-backend.ts'
import { catchUp } from './catch-up.ts'
import { leaseOpens } from './lease-opens.ts'
import { shownLease } from '../runs/checkouts.ts'
import { inTurn } from './turns.ts'

/** The three requests of git's smart HTTP protocol; nothing else of a repository is served. */
const WANTED = /^\/git\/([a-z0-9-]{1,100})\.git\/(info\/refs|git-upload-pack|git-receive-pack)$/

type Deps = { db: Db; dataDir: string; book: Book }
type Guest = {
  /** Null: nobody in particular, who may read what is public. */
  readonly name: string | null
  readonly reads: boolean
  readonly writes: boolean
  /** Null: a run. */
  readonly person: Identity | null
}

/** `/git`: repositories of our own. Any user name, an API token as password; a runner comes with the lease of its run. */
export function hostingRoutes({ db, dataDir, book }: Deps) {
  return new Hono<HouseEnv>().all('/*', async (c) => {
    const [, name = '', wanted = ''] = WANTED.exec(c.req.path) ?? []
    const repository = name === '' ? undefined : await findHosted(db, name)
    const guest = await guestOf(db, c.req.header('authorization'), repository?.id)
    const writes = wanted === 'git-receive-pack' || c.req.query('service') === 'git-receive-pack'
    const told = { c, guest, name }
    if (!guest || (writes && guest.name === null)) {
      // git asks as nobody first, and that is no attempt at anything
      if (writes && c.req.header('authorization')) await noteDenial(book, told, 'the password opens nothing')
      return c.text('Any user name, and an API token as the password.\n', 401, {
        'www-authenticate': 'Basic realm="Takt"',
      })
    }
    if (!repository || !guest.reads) {
      if (writes) await noteDenial(book, told, 'there is no such repository for them')
      return c.text('There is no such repository.\n', 404)
    }
    if (writes && !guest.writes) {
      await noteDenial(book, told, 'pushing needs the role maintainer')
      return c.text('You may read this and not push to it: that needs the role maintainer.\n', 403)
    }
    const answer = () =>
      backend(c, dataDir, { path: `/${name}.git/${wanted}`, writer: guest.writes ? guest.name : null })
    if (wanted !== 'git-receive-pack') return (await answer()).response
    return inTurn(hostedDir(dataDir, name), c, async () => {
      const { response, done } = await answer()
      const facts = await factsOf(db, told, repository.id)
      const recorded = onRecord(book, facts, async () => {
        await done
        await catchUp(db, dataDir, repository)
      })
      return [endWith(response, () => recorded), recorded] as const
    })
  })
}

const findHosted = (db: Db, name: string) =>
  db
    .selectFrom('repositories')
    .select(['id', 'url'])
    .where('kind', '=', 'hosted')
    .where('url', '=', name)
    .executeTakeFirst()

/** Who knocks: a person by API token, or a runner by the lease of a run that reads or writes this repository. */
async function guestOf(
  db: Db,
  authorization: string | undefined,
  repository: RepositoryId | undefined,
): Promise<Guest | null> {
  const open = repository !== undefined && (await mayThere(db, NOBODY, repository)).reads
  const basic = /^Basic ([A-Za-z0-9+/=]{1,2000})$/i.exec(authorization ?? '')?.[1]
  if (!basic) return open ? { name: null, reads: true, writes: false, person: null } : null
  const [user = '', ...rest] = Buffer.from(basic, 'base64').toString('utf8').split(':')
  const password = rest.join(':')
  const shown = shownLease(user, password)
  if (shown && repository !== undefined) {
    const opening = await leaseOpens(db, { ...shown, repository })
    return opening?.reads ? { name: `run-${shown.run}`, ...opening, person: null } : null
  }
  const person = await userOfToken(db, password)
  if (!person) return null
  const may = repository === undefined ? NOTHING : await mayThere(db, await accessOf(db, person), repository)
  return { name: person.name, ...may, person }
}

type Told = { readonly c: Context<HouseEnv>; readonly guest: Guest | null; readonly name: string }

/** A push, as the audit log tells it: who, and to which repository; its project where that is known. */
function pushOf({ c, guest, name }: Told): Facts {
  const person = guest?.person
  const token = person?.via.by === 'token' ? person.via : null
  return {
    ...{ actor_id: person?.id ?? null, actor: guest?.name ?? 'nobody', token: token?.name ?? null },
    ...{
      actor_kind: token?.kind ?? (guest?.name ? 'system' : 'nobody'),
      via: 'git',
      action: 'repository.push',
    },
    ...{ address: c.get('address') || null, target: `/git/${name}.git` },
    ...{ organization_id: null, project: null },
  }
}

async function factsOf(db: Db, told: Told, repository: RepositoryId): Promise<Facts> {
  const project = await db
    .selectFrom('projects')
    .select(['name', 'organization_id'])
    .where('repository_id', '=', repository)
    .orderBy('id')
    .executeTakeFirst()
  return {
    ...pushOf(told),
    organization_id: project?.organization_id ?? null,
    project: project?.name ?? null,
  }
}

const noteDenial = (book: Book, told: Told, reason: string): Promise<void> =>
  book.note({ ...pushOf(told), outcome: 'denied', reason, before: null, after: null, count: 1 })

const NOTHING = { reads: false, writes: false }

/** What somebody may do with a repository: what the projects that are tied to it let them. */
async function mayThere(db: Db, access: Access, repository: RepositoryId) {
  const row = await db
    .selectFrom('projects')
    .select(({ fn }) => [
      fn.agg<boolean | null>('bool_or', [mayIn(access, 'viewer')]).as('reads'),
      fn.agg<boolean | null>('bool_or', [mayIn(access, 'maintainer')]).as('writes'),
    ])
    .where('repository_id', '=', repository)
    .executeTakeFirstOrThrow()
  return { reads: row.reads ?? false, writes: row.writes ?? false }
}

const backend = (c: Context, dataDir: string, { path, writer }: { path: string; writer: string | null }) =>
  httpBackend(dataDir, {
    method: c.req.method,
    path,
    query: new URL(c.req.url).search.slice(1),
    headers: c.req.raw.headers,
    body: c.req.method === 'POST' ? c.req.raw.body : null,
    writer,
  })

/** The same answer, which ends only when `last` is done: the client hears "pushed" when the push is on record. */
function endWith(response: Response, last: () => Promise<void>): Response {
  const tail = new TransformStream<Uint8Array, Uint8Array>({ flush: last })
  return new Response(response.body?.pipeThrough(tail) ?? null, response)
}
