import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startHouse } from '../support/server.ts'
import { GOOD, signedIn } from '../support/sessions.ts'
import { person } from '../support/people.ts'
import { outcomeOf, scratch, startTakt } from './run-takt.ts'

test(
  'who signs in with a password gets a token of their own, which every command uses until they sign out',
  { timeout: 120_000 },
  async () => {
    await using house = await startHouse()
    await using place = await scratch()
    const { token } = await person(house, 'ada', { role: 'viewer' })
    await (await signedIn(house, token)).ask('PUT /api/v1/me/password', { password: GOOD })
    const file = join(place.path, 'deep', 'login.json')
    const takt = async (args: string[], input = '') => {
      const child = startTakt(args, { env: { TAKT_URL: '', TAKT_LOGIN: file } })
      child.stdin!.end(input)
      return outcomeOf(child)
    }
    expect(await takt(['login', house.url, '--name', 'ada'], 'quite another password\n')).toMatchObject({
      code: 2,
      err: expect.stringContaining('The name and the password do not open an account'),
    })
    const first = await takt(['login', house.url, '--name', 'ada'], `${GOOD}\n`)
    expect(first).toMatchObject({ code: 0, err: expect.stringContaining(`signed in to ${house.url} as ada`) })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const kept = await readFile(file, 'utf8')
    expect(kept).not.toContain(GOOD)
    // again: the token of before has ended, so that there is one for each machine
    expect((await takt(['login', house.url, '--name', 'ada'], GOOD)).code).toBe(0)
    const listed = JSON.parse((await takt(['tokens', 'list', '--json'])).out)
    expect(listed.items.map((each: { name: string }) => each.name)).toEqual([
      expect.stringMatching(/^takt on /),
      'test',
    ])
    expect(await house.db.selectFrom('sessions').select('how').execute()).toEqual([{ how: 'token' }])

    const made = await takt(['tokens', 'add', 'ci', '--role', 'viewer', '--days', '30'])
    expect(made.out).toMatch(/^takt_[\w-]{43}\n$/)
    expect(made.err).not.toContain(made.out.trim())
    expect((await takt(['tokens', 'list'])).out).toMatch(/ci +takt_.{6} +viewer +- +\d{4}-/)
    expect(await takt(['users', 'list'])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/admins of the server/),
    })

    const secret = Object.values(
      JSON.parse(await readFile(file, 'utf8')).servers as Record<string, { token: string }>,
    )[0]!
    expect((await takt(['logout'])).code).toBe(0)
    expect((await house.ask('GET /api/v1/me', undefined, { as: secret.token })).status).toBe(401)
    expect(await takt(['logout', house.url])).toMatchObject({
      code: 2,
      err: expect.stringContaining('nobody is signed in'),
    })

    expect((await takt(['login', house.url, '--token'], house.token)).code).toBe(0)
    expect((await takt(['users', 'disable', 'ada'])).code).toBe(0)
    expect((await takt(['users', 'list'])).out).toMatch(/^ada +person +member +- .*out since/m)
    expect((await takt(['users', 'enable', 'ada'])).code).toBe(0)
    expect((await takt(['users', 'login-link', 'ada'])).out).toMatch(/\/login#[\w-]{43}\n$/)
    const invited = await takt(['users', 'invite', 'default', '--role', 'viewer', '--days', '3'])
    expect(invited.out).toMatch(/\/join#[\w-]{43}\n$/)
    expect(await takt(['users', 'invite', 'default'])).toMatchObject({ code: 2 })
    expect((await takt(['users', 'service', 'default', 'bot', '--role', 'viewer'])).code).toBe(0)
    expect((await takt(['tokens', 'add', 'ci', '--of', 'default/bot'])).out).toMatch(/^takt_/)
    expect((await takt(['tokens', 'list', '--of', 'default/bot'])).out).toMatch(/ci +takt_/)
  },
)
