import type { CheckedVersion, RunnerSays } from '#pipelines/wire/runner.ts'
import type { Db } from '../db/connect.ts'
import { nameOfCustom } from '../resources/custom-version.ts'
import type { Claimed } from './due.ts'
import { CHECK_MS } from './due.ts'
import { recordTold } from './record-told.ts'
import { settle } from './settle.ts'
import { hasVersion, subjectsOf, withEach } from './subjects.ts'

/** What a runner is asked: an image, what it is told, and the version from which on versions are wanted. */
export type CheckOrder = {
  readonly image: string
  readonly source: Readonly<Record<string, unknown>>
  readonly version: CheckedVersion | null
  readonly timeoutMs: number
}

/** Where somebody asks who has no version yet, the question is asked as if for the first time. */
export async function orderOf(db: Db, check: Claimed): Promise<CheckOrder | null> {
  const { question, seen } = check
  if (question.kind !== 'custom') return null
  const standings = await Promise.all(
    (await subjectsOf(db, check.id)).map((subject) => hasVersion(db, subject)),
  )
  const version = standings.every(Boolean) ? ((seen ?? null) as CheckedVersion | null) : null
  return { image: question.image, source: question.source, version, timeoutMs: CHECK_MS }
}

type Answer = Extract<RunnerSays, { say: 'checked' }>

/** A runner has carried out a check. */
export async function hearChecked(db: Db, { check: id, lease, outcome }: Answer): Promise<void> {
  const check = { id, lease }
  if ('error' in outcome) return settle(db, check, outcome)
  const versions = outcome.versions.map((fields) => ({ name: nameOfCustom(fields), body: { fields } }))
  await withEach(db, check, ({ resource, name }, { tx, at }) =>
    recordTold(tx, at, { id: resource, name, versions }),
  )
  const before = await db.selectFrom('checks').select('seen').where('id', '=', id).executeTakeFirst()
  await settle(db, check, { seen: outcome.versions.at(-1) ?? before?.seen ?? null })
}
