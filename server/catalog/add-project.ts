import type { OrganizationId } from '#pipelines/ids.ts'
import { NAME } from '#pipelines/language/schema.ts'
import { audited } from '../audit/on-record.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { normalizeAddress } from '../forges/address.ts'
import { initHosted } from '../forges/repository.ts'
import { Problem } from '../problem.ts'
import { findProject } from './queries.ts'

export type NewProject = {
  readonly name: string
  /** Null: a repository of ours. */
  readonly address: string | null
  readonly organization: OrganizationId
  readonly public: boolean
}

/**
 * Tie a new project to a repository: to the one at `address`, or to an empty one that we host under the project's name.
 *
 * @throws {Problem} `project-exists`, `bad-repository`, `invalid-request`.
 */
export async function addProject(db: Db, dataDir: string, project: NewProject): Promise<void> {
  const { name, address, organization } = project
  if (!NAME.test(name))
    throw new Problem('invalid-request', `\`${name}\`: a name has 1 to 100 characters out of a-z, 0-9 and -`)
  const repository = address === null ? ({ kind: 'hosted', url: name } as const) : normalizeAddress(address)
  if (await findProject(db, name)) throw taken(name)
  if (repository.kind === 'hosted') await initHosted(dataDir, name)
  audited({
    organization,
    project: name,
    after: { repository: repository.url, public: project.public },
  })
  await transact(db, async (tx) => {
    const { id } = await tx.db
      .insertInto('repositories')
      .values({ ...repository, forge_id: null })
      .onConflict((oc) => oc.column('url').doUpdateSet({ url: repository.url }))
      .returning('id')
      .executeTakeFirstOrThrow()
    const added = await tx.db
      .insertInto('projects')
      .values({ name, repository_id: id, organization_id: organization, public: project.public })
      .onConflict((oc) => oc.column('name').doNothing())
      .executeTakeFirst()
    if (added.numInsertedOrUpdatedRows === 0n) throw taken(name)
    tx.emit({ kind: 'project.added', project: name })
  })
}

const taken = (name: string) => new Problem('project-exists', `\`${name}\` is taken; choose another name`)
