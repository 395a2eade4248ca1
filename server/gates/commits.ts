import type { z } from 'zod'
import type { GateId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { commitsBetween } from '../forges/commits-between.ts'
import { compareAddress } from '../forges/compare-address.ts'
import type { ForgePlace } from '../forges/forge-of.ts'
import type { Gate, GateCommits } from './shapes.ts'

type Shown = z.output<typeof GateCommits>
export type Reading = { readonly db: Db; readonly dataDir: string; readonly forges: readonly ForgePlace[] }

/**
 * What would go through a gate that did not when it was passed last: for each repository the commits between. They are read of the
 * project's own repository alone: who sees the project need not see what else its file names.
 */
export async function commitsAt(
  { db, dataDir, forges }: Reading,
  gate: z.output<typeof Gate>,
): Promise<Shown['items']> {
  const before = new Map(gate.passed_before?.inputs.map((input) => [input.resource, input.version]))
  const items: Shown['items'] = []
  for (const { resource, version, repository, isOwn } of await repositoriesAt(db, gate.id)) {
    const from = before.get(resource)
    if (from === undefined || from === version) continue
    const found = isOwn ? await commitsBetween(dataDir, repository, { from, to: version }) : null
    items.push({
      ...{ resource, from, to: version, known: found !== null },
      commits: [...(found?.commits ?? [])],
      more: found?.more ?? 0,
      compare: compareAddress(forges, repository, { from, to: version }),
    })
  }
  return items
}

async function repositoriesAt(db: Db, gate: number) {
  const rows = await db
    .selectFrom('gates')
    .innerJoin('run_inputs', 'run_inputs.run_id', 'gates.run_id')
    .innerJoin('runs', 'runs.id', 'gates.run_id')
    .innerJoin('projects', 'projects.id', 'runs.project_id')
    .innerJoin('resources', 'resources.id', 'run_inputs.resource_id')
    .innerJoin('repositories', 'repositories.id', 'resources.repository_id')
    .innerJoin('versions', 'versions.id', 'run_inputs.version_id')
    .select(['resources.name as resource', 'versions.name as version'])
    .select(['repositories.id', 'repositories.kind', 'repositories.url', 'projects.repository_id'])
    .where('gates.id', '=', gate as GateId)
    .orderBy('run_inputs.position')
    .execute()
  return rows.map(({ resource, version, repository_id, ...repository }) => ({
    ...{ resource, version, repository, isOwn: repository_id === repository.id },
  }))
}
