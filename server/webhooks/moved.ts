import type { CheckId } from '#pipelines/ids.ts'
import type { Moved } from '../checks/git.ts'
import type { Question, SecretName } from '../checks/questions.ts'
import type { Db } from '../db/connect.ts'
import type { NewDelivery } from './receive.ts'

/** The event of what a check saw by its login, before the check's number. No hook of others can say so: theirs is `push`. */
const BY_LOGIN = 'check '

/** What a look at another server's repository told, as the delivery that its own hook would have sent. */
export function deliveryOf({ repository, check, deliveryId, ref, before, after }: Moved): NewDelivery {
  const body = Buffer.from(JSON.stringify({ ref, ...(before === null ? {} : { before }), after }))
  return {
    source: 'git',
    deliveryId,
    signature: null,
    event: check === null ? 'push' : `${BY_LOGIN}${check}`,
    repository,
    body,
  }
}

/** The login by which a delivery's repository is read; null where it is open to everybody, or the check is no more. */
export async function loginOfDelivery(
  db: Db,
  { source, event }: { readonly source: string; readonly event: string },
): Promise<SecretName | null> {
  if (source !== 'git' || !event.startsWith(BY_LOGIN)) return null
  const check = await db
    .selectFrom('checks')
    .select('question')
    .where('id', '=', Number(event.slice(BY_LOGIN.length)) as CheckId)
    .executeTakeFirst()
  const question = check?.question as Question | undefined
  return question?.kind === 'git' ? (question.login ?? null) : null
}
