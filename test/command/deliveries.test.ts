import { expect, test } from 'vitest'
import { github, pushOf, settled } from '../support/github.ts'
import { publicGit } from '../support/public-git.ts'
import { sendEvent } from '../support/senders.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'
import { outcomeOf, startTakt } from './run-takt.ts'

test(
  'a project’s hooks are shown with what opens them; deliveries are listed, looked at, replayed and caught up with',
  { timeout: 60_000 },
  async () => {
    await using house = await startHouse()
    await using git = await publicGit()
    const takt = (...args: string[]) =>
      outcomeOf(startTakt(args, { env: { TAKT_URL: house.url, TAKT_TOKEN: house.token } }))
    await house.ask('POST /api/v1/projects', { name: 'shop', repository: { url: git.url } })
    expect(await takt('deliveries')).toMatchObject({
      code: 0,
      err: expect.stringContaining('nothing of the kind'),
    })

    const hook = await takt('hook', 'shop', '--source', 'tracker')
    expect(hook.out).toContain(`github\n  address  ${house.url}/hooks/github?project=shop\n  secret   `)
    expect(hook.out).toContain(`address  ${house.url}/hooks/events?project=shop&source=tracker`)
    const { items } = JSON.parse((await takt('hook', 'shop', '--json')).out)
    expect(items.map(({ sender }: { sender: string }) => sender)).toEqual([
      ...['github', 'gitlab', 'gitea', 'registry'],
    ])
    expect(await takt('hook', 'none')).toMatchObject({ code: 2, err: expect.stringContaining('no project') })

    await github(house, pushOf(git.url, '0'.repeat(40), 'refs/heads/gone'))
    await sendEvent(house, { action: 'closed' }, { id: 'e1' })
    await settled(house, 2)
    expect((await takt('deliveries', '--project', 'shop')).out).toMatch(
      /2 .* events +tracker e1 +shop +ignored .*\n1 .* github +push gone gone +shop +processed +gone is gone/,
    )
    expect((await takt('deliveries', '--source', 'github', '--json')).out).toMatch(/"id": ?1,/)
    const shown = await takt('deliveries', 'show', '2')
    expect(shown.out).toMatch(/^delivery 2: tracker e1 from events, .*\nignored: /)
    expect((await takt('deliveries', 'show', '2', '--payload')).out.trim()).toBe('{"action":"closed"}')
    expect(await takt('deliveries', 'show', '9')).toMatchObject({ code: 2 })
    expect(await takt('deliveries', 'show', 'one')).toMatchObject({ code: 2 })

    expect((await takt('deliveries', 'replay', '2')).err).toContain('delivery 2 is looked at once more')
    await until(async () => (await house.ask('GET /api/v1/deliveries/2')).body.replays === 1)
    expect((await takt('deliveries', 'catch-up', 'shop')).err).toContain('the refs of shop are compared')
    await until(async () => (await house.ask('GET /api/v1/projects/shop/catch-up')).body.error !== undefined)

    await settled(house, 2)
    await house.db
      .updateTable('deliveries')
      .set({ body: null, removed_at: new Date() })
      .where('state', '<>', 'received')
      .execute()
    const gone = await takt('deliveries', 'show', '2', '--payload')
    expect(gone).toMatchObject({ code: 0, out: '', err: expect.stringContaining('its payload was removed') })
    expect(await takt('deliveries', 'replay', '2')).toMatchObject({
      code: 2,
      err: expect.stringContaining('TAKT_DELIVERY_DAYS'),
    })
  },
)
