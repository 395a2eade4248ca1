import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { killableShop } from '../support/killable.ts'
import { listener } from '../support/listener.ts'
import { until } from '../support/until.ts'

const SLOW = { withinMs: 60_000, everyMs: 50 }

test('a server that is killed between sending a notice and noting that it arrived sends it again, as the same one', async () => {
  await using out = await listener({ status: 200, isSilent: true })
  await using it = await killableShop({ TAKT_ALLOW_HOSTS: '127.0.0.1' })
  const { db, server, ask, clone } = it
  const notify = `notify: { webhook: { to: "${out.url}", when: approval } }\n`
  await clone.push({ '.takt.yml': `jobs: { ship: { approve: true, run: x } }\n${notify}` })
  await until(() => out.heard.length === 1, SLOW)
  await server.kill()
  out.answer.isSilent = false
  await sql`update notice_messages set due_at = now()`.execute(db) // nobody waits for its time to run out
  await server.restart()
  const sent = async () => (await ask('GET', 'projects/shop/notices?state=sent')).items
  await until(async () => (await sent()).length === 1, SLOW)
  expect(await sent()).toMatchObject([{ count: 1, attempts: [{ number: 2, status: 200 }] }])
  expect(out.heard).toHaveLength(2)
  expect(out.heard[1]).toMatchObject({ text: out.heard[0]!.text })
  expect(out.heard.map(({ headers }) => headers['webhook-id'])).toEqual(['notice-1', 'notice-1'])
}, 180_000)
