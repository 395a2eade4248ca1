import { sql } from 'kysely'
import { inMs } from '../db/transact.ts'
import type { Db } from '../db/connect.ts'
import { networkOf } from '../http/address.ts'
import { Problem } from '../problem.ts'

/** How long wrong passwords are held against somebody, from the first of them on. */
const WINDOW_MS = 15 * 60_000
const FORGET_MS = 24 * 3_600_000
/** So many may be wrong: of one account, and from one address, which several people may share. */
const MOST_WRONG = { account: 10, address: 30 } as const

type Guess = { readonly account: string; readonly address: string }
type Counted = { readonly subject: string; readonly wrong: number; readonly rest_s: number }

const subjects = ({ account, address }: Guess) => ({
  account: `account:${account.toLowerCase().slice(0, 200)}`,
  address: `address:${networkOf(address)}`,
})

/**
 * Count a guess before anybody looks whether it is right, so that many at once count as many. Whether there is such an account
 * makes no difference.
 *
 * @throws {Problem} `too-many-attempts`, with the seconds to wait.
 */
export async function countGuess(db: Db, guess: Guess): Promise<void> {
  const { account, address } = subjects(guess)
  await db.deleteFrom('login_attempts').where('since', '<', inMs(-FORGET_MS)).execute()
  const { rows } = await sql<Counted>`
    insert into login_attempts as was (subject, wrong)
    select unnest(${[account, address]}::text[]), 1
    on conflict (subject) do update set
      wrong = case when was.since < ${inMs(-WINDOW_MS)} then 1 else was.wrong + 1 end,
      since = case when was.since < ${inMs(-WINDOW_MS)} then now() else was.since end
    returning subject, wrong, ceil(extract(epoch from since - (${inMs(-WINDOW_MS)})))::int as rest_s`.execute(
    db,
  )
  const over = rows.filter(
    ({ subject, wrong }) => wrong > (subject === account ? MOST_WRONG.account : MOST_WRONG.address),
  )
  if (over.length === 0) return
  const restS = Math.max(1, ...over.map(({ rest_s }) => rest_s))
  throw new Problem(
    'too-many-attempts',
    `wait ${Math.ceil(restS / 60)} min, or open a login link (\`takt login-link\`)`,
    { retry_after: restS },
  )
}

/** The guess was right: nothing of it is held against the account, and not this one against the address. */
export async function forgive(db: Db, guess: Guess): Promise<void> {
  const { account, address } = subjects(guess)
  await db.deleteFrom('login_attempts').where('subject', '=', account).execute()
  await db
    .updateTable('login_attempts')
    .set((eb) => ({ wrong: eb('wrong', '-', 1) }))
    .where('subject', '=', address)
    .where('wrong', '>', 0)
    .execute()
}
