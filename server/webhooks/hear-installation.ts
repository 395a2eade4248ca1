import { sql } from 'kysely'
import { ofProject } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { compareNow } from './comparisons.ts'
import type { Installed } from './read-github-more.ts'
import type { Fate } from './settle.ts'

const MOST_NAMED = 20
type Repositories = Installed['gained']

/**
 * An app of GitHub was installed, or taken away: what it may read from now on is compared, because nothing was told of it till then; of
 * what it may read no more nothing will be told.
 */
export async function hearInstallation(db: Db, { gained, lost }: Installed): Promise<Fate> {
  const [ours, gone] = [await known(db, gained), await known(db, lost)]
  for (const { id } of ours) await compareNow(db, id)
  const words = [
    ...(ours.length > 0 ? [`the refs of ${named(ours)} are compared, as the app may read them now`] : []),
    ...(gone.length > 0 ? [`the app is told nothing of ${named(gone)} any more`] : []),
  ]
  return {
    state: words.length > 0 ? 'processed' : 'ignored',
    reason: words.join('; ') || 'the app was given, and lost, nothing that a project uses',
    project: null,
  }
}

const named = (repositories: readonly { readonly url: string }[]) =>
  repositories
    .slice(0, MOST_NAMED)
    .map(({ url }) => url)
    .join(', ')

async function known(db: Db, repositories: Repositories) {
  if (repositories.length === 0) return []
  const paths = repositories.map(({ full_name }) => `/${full_name.toLowerCase()}.git`)
  return db
    .selectFrom('repositories')
    .select(['id', 'url'])
    .where(ofProject)
    .where('kind', '<>', 'hosted')
    .where((eb) =>
      eb.or([
        eb(
          'forge_id',
          'in',
          repositories.map(({ id }) => String(id)),
        ),
        eb(sql<string>`substring(lower(url) from '^https?://[^/]+(/.*)$')`, 'in', paths),
      ]),
    )
    .orderBy('id')
    .execute()
}
