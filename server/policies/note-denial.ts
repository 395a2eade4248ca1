import type { OrganizationId } from '#pipelines/ids.ts'
import type { Judgement } from '#pipelines/policy/judge.ts'
import { writeEntry } from '../audit/write-entry.ts'
import type { Tx } from '../db/transact.ts'

export type Denied = {
  readonly action: 'pipeline.sync' | 'run.start'
  readonly organization: OrganizationId
  readonly project: string
  readonly target: string
  readonly denied: readonly Judgement[]
}

/** All that was denied in one sentence. */
export const wordsOfAll = (denied: readonly Judgement[]): string =>
  denied.map(({ words }) => words).join('; ')

/** Put on record what policies have stopped, with the transaction in which they did; last, because the log’s end is wanted by all. */
export function noteDenial(tx: Tx, { action, organization, project, target, denied }: Denied): void {
  tx.atEnd(`~audit ${target}`, () =>
    writeEntry(tx.db, {
      ...{
        actor_id: null,
        actor: 'policies',
        actor_kind: 'system',
        via: 'system',
        token: null,
        address: null,
      },
      ...{ action, organization_id: organization, project, target, outcome: 'denied' },
      ...{
        reason: wordsOfAll(denied),
        before: null,
        after: { rules: denied.map(({ rule }) => rule) },
        count: 1,
      },
    }),
  )
}
