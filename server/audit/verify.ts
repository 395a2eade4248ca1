import type { Db } from '../db/connect.ts'
import { BEGINNING, type EntryRow, hashOf, type Linked } from './entry.ts'

export type Verdict = {
  readonly entries: number
  /** The last entry that holds; keep it elsewhere, and a chain that was cut off or made anew behind it shows. */
  readonly head: { readonly id: number; readonly hash: string }
  readonly broken: { readonly id: number; readonly why: string } | null
}

const PAGE = 1_000

/** A chain as far as it was walked. */
type End = { readonly id: number; readonly hash: Buffer }
type Link = Linked & { readonly previous: Buffer; readonly hash: Buffer }
export const START: End = { id: 0, hash: BEGINNING }

/** What is wrong with an entry in this place of the chain; null where nothing is. */
export function flawOf(end: End, entry: Link): string | null {
  if (entry.id !== end.id + 1)
    return `entry ${end.id + 1} is missing: behind entry ${end.id} comes entry ${entry.id}`
  if (!entry.previous.equals(end.hash)) return `it does not follow entry ${end.id} as that is now`
  return hashOf(end.hash, entry).equals(entry.hash) ? null : 'it is not what was written'
}

/** Walk the whole chain from its beginning, a page at a time, up to the first entry that does not hold. */
export async function verifyChain(db: Db): Promise<Verdict> {
  // Read first: what is written meanwhile is behind it, and no lie.
  const head = await db.selectFrom('audit_head').selectAll().executeTakeFirstOrThrow()
  let end = START
  for (;;) {
    const page = await pageAfter(db, end.id)
    for (const entry of page) {
      const before = end
      const why = flawOf(end, entry)
      if (why !== null) return verdict(end, { id: entry.id, why })
      end = { id: entry.id, hash: entry.hash }
      if (end.id === head.id && !end.hash.equals(head.hash))
        return verdict(before, { id: end.id, why: 'it is not the one that was written last' })
    }
    if (page.length < PAGE) break
  }
  if (end.id < head.id)
    return verdict(end, { id: end.id + 1, why: `the newest entries are missing: ${head.id} were written` })
  return verdict(end, null)
}

export const verdict = (end: End, broken: Verdict['broken']): Verdict => ({
  entries: end.id,
  head: { id: end.id, hash: end.hash.toString('hex') },
  broken,
})

const pageAfter = (db: Db, id: number): Promise<EntryRow[]> =>
  db.selectFrom('audit_entries').selectAll().where('id', '>', id).orderBy('id').limit(PAGE).execute()
