import { expect, test } from 'vitest'
import { HELLO, hand, withWork } from '../support/hand.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'
import { takt } from './run-takt.ts'

test(
  'runners are listed with what they do, steered by name, and tell what happened to them',
  { timeout: 120_000 },
  async () => {
    await using house = await startHouse()
    const env = { TAKT_URL: house.url, TAKT_TOKEN: house.token }
    const command = (...args: string[]) => takt(['runners', ...args], { env })
    expect((await command()).err).toMatch(/no runner has connected within a day/)
    await using other = await hand(house, { ...HELLO, name: 'other', labels: { gpu: '', arch: 'arm64' } })
    const { runner } = await withWork(house)
    await using _ = runner
    expect((await command('pause', 'hand', '--reason', 'new disk')).err).toMatch(
      /^runner hand is paused; it carries run 1 \(/,
    )
    const { code, out } = await command()
    expect(code).toBe(0)
    expect(out).toMatch(/^RUNNER +STATE +BUSY/)
    expect(out).toMatch(/hand +paused +1\/1 .*paused by .*: new disk$/m)
    expect(out).toMatch(/other +idle +0\/1 .*gpu arch=arm64/)
    const listed = JSON.parse((await command('--json')).out)
    expect(listed.items.map((each: { name: string; state: string }) => `${each.name} ${each.state}`)).toEqual(
      ['hand paused', 'other idle'],
    )
    expect((await command('resume', 'hand')).err).toMatch(/runner hand is busy/)
    await until(async () => (await command('events', 'hand')).out.includes('takes work again'), {
      withinMs: 60_000,
    })
    await house.db.updateTable('runner_events').set({ words: 'red \u001b[31m\u0007 now' }).execute()
    const told = (await command('events', 'hand')).out
    expect(told).toMatch(/red +\[31m +now/)
    expect(told).not.toMatch(/[\u001b\u0007]/)
    expect(await command('drain', 'nobody')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/there is no runner `nobody`/),
    })
    expect(other.heard.some((said) => said.say === 'steer')).toBe(false)
  },
)
