import { secretsNamed, withSecrets } from '#pipelines/language/expression/secret-values.ts'
import type { CheckedVersion, RunError, RunnerSays, ServerSays } from '#pipelines/wire/runner.ts'
import type { Db } from '../db/connect.ts'
import { nameOfCustom } from '../resources/custom-version.ts'
import type { Claimed } from './due.ts'
import type { SecretsOf } from './logins.ts'
import type { Question } from './questions.ts'
import { CHECK_MS } from './due.ts'
import { recordTold } from './record-told.ts'
import { RegistryError } from './registry-api.ts'
import { secretMissing } from './registry.ts'
import { settle } from './settle.ts'
import { hasVersion, subjectsOf, withEach } from './subjects.ts'

type Source = Extract<ServerSays, { say: 'check' }>['source']

/** What a runner is asked: an image, what it is told, and the version from which on versions are wanted. */
export type CheckOrder = {
  readonly image: string
  readonly source: Source
  /** The secrets that stand in it; left out where none do. */
  readonly hidden?: readonly string[]
  readonly version: CheckedVersion | null
  readonly timeoutMs: number
}

/**
 * Where somebody asks who has no version yet, the question is asked as if for the first time.
 *
 * @returns Null where nobody is asked: a secret of the source cannot be opened, which the check's error says.
 */
export async function orderOf(db: Db, check: Claimed, secretOf: SecretsOf): Promise<CheckOrder | null> {
  const { question, seen } = check
  if (question.kind !== 'custom') return null
  const told = await toldOf(question, secretOf)
  if ('error' in told) {
    await settle(db, check, told)
    return null
  }
  const standings = await Promise.all(
    (await subjectsOf(db, check.id)).map((subject) => hasVersion(db, subject)),
  )
  const version = standings.every(Boolean) ? ((seen ?? null) as CheckedVersion | null) : null
  return { image: question.image, ...told, version, timeoutMs: CHECK_MS }
}

type Custom = Extract<Question, { kind: 'custom' }>
type Told = Pick<CheckOrder, 'source' | 'hidden'>

/** What the image is told, with the project's secrets in their places. */
async function toldOf({ source, project }: Custom, secretOf: SecretsOf): Promise<Told | { error: RunError }> {
  const secrets = new Map<string, string>()
  for (const secret of secretsNamed(source)) {
    const named = { project: project ?? '', secret }
    try {
      const value = await secretOf(named)
      if (value === null) return { error: secretMissing(named) }
      secrets.set(secret, value)
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error
      return { error: { code: error.code, message: error.message } }
    }
  }
  const told = withSecrets(source, (secret) => secrets.get(secret) ?? '') as Source
  return { source: told, ...(secrets.size > 0 ? { hidden: [...secrets.values()] } : {}) }
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
