import { sql } from 'kysely'
import type { Trx } from '../db/connect.ts'
import type { VersionBody } from '../db/schema.ts'
import { fieldsOfVersion } from '../resources/fields.ts'
import type { End } from './ends.ts'

type Held = {
  readonly resource: string
  readonly kind: string
  readonly name: string
  readonly body: VersionBody
}

/** Of a commit what says which one it is, and nothing that somebody wrote into it. */
const OF_COMMITS = ['sha', 'short_sha', 'ref', 'branch', 'tag']
const KINDS = ['git', 'registry', 'semver']

/**
 * What a green end tells whoever follows it: which run it was, of which commit, and by `resource.field` the commits, digests and numbers
 * of versions that it vouches for. No words, values, files or outputs: those are for who may see the project.
 */
export async function fieldsOfEnd(db: Trx, end: End): Promise<Readonly<Record<string, string>>> {
  const { rows } = await sql<Held>`
    select resources.name as resource, resources.kind, versions.name, versions.body
    from ending_versions join versions on versions.id = ending_versions.version_id
    join resources on resources.id = ending_versions.resource_id
    left join run_inputs on run_inputs.run_id = ${end.run} and run_inputs.resource_id = resources.id
    where ending_versions.ending_id = ${end.ending} and resources.kind = any(${KINDS}::text[])
    order by run_inputs.position nulls last, resources.id`.execute(db)
  const { run, number, project, pipeline, job, lane } = end
  const main = rows.find(({ kind }) => kind === 'git')
  return {
    ...(main ? told(main) : {}),
    ...{ run: String(run), number: String(number), project, pipeline, job, lane },
    ...Object.fromEntries(
      rows.flatMap((held) =>
        Object.entries(told(held)).map(([field, value]) => [`${held.resource}.${field}`, value]),
      ),
    ),
  }
}

const told = ({ kind, name, body }: Held): Record<string, string> =>
  Object.fromEntries(
    Object.entries(fieldsOfVersion({ name, body })).filter(
      ([field]) => kind !== 'git' || OF_COMMITS.includes(field),
    ),
  )
