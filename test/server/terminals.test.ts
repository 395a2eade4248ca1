import { WebSocket } from 'ws'
import { expect, test } from 'vitest'
import { decodeTerminal, encodeTerminal, TERMINAL_WINDOW_BYTES } from '#pipelines/wire/terminal-frames.ts'
import type { RunId } from '#pipelines/ids.ts'
import { type Hand, hand, HELLO, withWork } from '../support/hand.ts'
import { type House, startHouse } from '../support/server.ts'
import { OPEN, ordered, orders, SIZE, visitor } from '../support/terminal-visitor.ts'
import { until } from '../support/until.ts'

/** A visitor whose terminal the runner has opened. */
async function opened(house: House, runner: Hand) {
  const guest = await visitor(house)
  guest.say(OPEN)
  const { terminal } = await ordered(runner, 'terminal.open')
  runner.say({ say: 'terminal.opened', terminal })
  await until(() => guest.heard.some(({ say }) => say === 'opened'))
  return { guest, terminal }
}

const listed = async (house: House) => (await house.ask('GET /api/v1/runs/1/terminals')).body.items
const told = async (house: House) =>
  (await house.db.selectFrom('events').select('body').orderBy('id').execute())
    .map(({ body }) => body)
    .filter(({ kind }) => kind.startsWith('terminal.'))

test('keys go to the runner and its screen to the person, and both are told what was dealt with', async () => {
  await using house = await startHouse()
  const { runner } = await withWork(house)
  await using _ = runner
  const { guest, terminal } = await opened(house, runner)
  await using _guest = guest
  guest.type('ls\r')
  const typed = await until(() => runner.frames.map((frame) => decodeTerminal(frame))[0])
  expect({ terminal: typed.terminal, keys: Buffer.from(typed.content).toString() }).toEqual({
    terminal,
    keys: 'ls\r',
  })
  runner.say({ say: 'terminal.room', terminal, bytes: 3 })
  await until(() => guest.heard.some((word) => word.say === 'room' && word.bytes === 3))
  runner.send(encodeTerminal(terminal, Buffer.from('README.md\r\n')))
  await until(() => guest.screen() === 'README.md\r\n')
  guest.say({ say: 'room', bytes: 11 })
  expect(await ordered(runner, 'terminal.room')).toMatchObject({ terminal, bytes: 11 })
  guest.say({ say: 'resize', columns: 120, rows: 40 })
  expect(await ordered(runner, 'terminal.resize')).toMatchObject({ terminal, columns: 120, rows: 40 })
  runner.say({ say: 'terminal.closed', terminal, exitCode: 3, reason: null })
  await guest.closed
  expect(guest.heard.at(-1)).toEqual({ say: 'closed', exitCode: 3, reason: null })
})

test('every opening and closing is stored and told: who, in which run, how long', async () => {
  await using house = await startHouse()
  const { runner } = await withWork(house)
  await using _ = runner
  const { guest, terminal } = await opened(house, runner)
  expect(await listed(house)).toMatchObject([{ id: terminal, user: 'admin', command: [], closed_at: null }])
  await guest[Symbol.asyncDispose]()
  expect(await ordered(runner, 'terminal.close')).toMatchObject({ terminal })
  const [closed] = await until(async () => {
    const items = await listed(house)
    return items[0].closed_at === null ? null : items
  })
  expect(closed).toMatchObject({ exit_code: null, reason: null })
  const where = { project: 'shop', pipeline: 'main', run: 1, terminal, user: 'admin' }
  expect(await told(house)).toEqual([
    { kind: 'terminal.opened', ...where },
    { kind: 'terminal.closed', ...where, lastedMs: expect.any(Number) },
  ])
})

test('a page of another origin, a cookie without an origin, and nobody at all are not let in', async () => {
  await using house = await startHouse()
  const statusFor = (headers: Record<string, string>) =>
    new Promise<number>((resolve, reject) => {
      const socket = new WebSocket(`${house.url.replace('http', 'ws')}/terminal`, { headers })
      socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0))
      socket.on('open', () => reject(new Error('let in')))
      socket.on('error', () => {})
    })
  const authorization = `Bearer ${house.token}`
  expect(await statusFor({ authorization, origin: 'http://evil.example' })).toBe(403)
  expect(await statusFor({ cookie: 'takt_session=whatever' })).toBe(403)
  expect(await statusFor({ cookie: 'takt_session=whatever', origin: house.url })).toBe(401)
  expect(await statusFor({ authorization: 'Bearer wrong' })).toBe(401)
  expect(await statusFor({})).toBe(403)
  await using _let = await visitor(house, { authorization, origin: house.url })
})

test.each([
  ['a run that never was', { ...OPEN, run: 77 }, 'run-not-found'],
  ['words that are none', { say: 'open' }, 'invalid-request'],
  ['a second opening before the first', { say: 'resize', ...SIZE }, 'invalid-request'],
])('%s is refused in words', async (_, word, code) => {
  await using house = await startHouse()
  await using guest = await visitor(house)
  guest.say(word)
  await guest.closed
  expect(guest.heard).toMatchObject([{ say: 'refused', code }])
})

test('a run that waits or has ended has no terminal, and says how to get one', async () => {
  await using house = await startHouse()
  const { runner } = await withWork(house)
  await using _ = runner
  runner.report(1, { kind: 'run.ended', move: 'fail', error: null, exitCode: 1 })
  await until(async () => (await house.ask('GET /api/v1/runs/1')).body.state === 'failed')
  await using guest = await visitor(house)
  guest.say(OPEN)
  await guest.closed
  expect(guest.heard).toMatchObject([
    { say: 'refused', code: 'no-terminal', reason: expect.stringContaining('takt retry --hold 30m 1') },
  ])
})

test('when the runner’s connection is lost its terminals close; one of another connection is not obeyed', async () => {
  await using house = await startHouse()
  const { runner } = await withWork(house)
  const { guest, terminal } = await opened(house, runner)
  await using _guest = guest
  await using stranger = await hand(house, helloOf('stranger'))
  stranger.say({ say: 'terminal.closed', terminal, exitCode: 0, reason: null })
  stranger.send(encodeTerminal(terminal, Buffer.from('I am not the one')))
  await runner[Symbol.asyncDispose]()
  await guest.closed
  expect(guest.screen()).toBe('')
  expect(guest.heard.at(-1)).toEqual({
    say: 'closed',
    exitCode: null,
    reason: 'the connection to the runner was lost',
  })
  await until(async () => (await listed(house))[0].closed_at !== null)
})

test('who sends more than there is room for is cut off, on both sides', async () => {
  await using house = await startHouse()
  const { runner } = await withWork(house)
  await using _ = runner
  const { guest, terminal } = await opened(house, runner)
  const part = Buffer.alloc(16 * 1024, 'x')
  for (let sent = 0; sent <= TERMINAL_WINDOW_BYTES; sent += part.length) guest.type(part)
  await guest.closed
  expect(guest.heard.at(-1)).toMatchObject({ reason: 'more was typed than there was room for' })
  expect(await ordered(runner, 'terminal.close')).toMatchObject({ terminal })
  await using second = await visitor(house)
  second.say(OPEN)
  const next = await until(() =>
    orders(runner).find((each) => each.say === 'terminal.open' && each.terminal !== terminal),
  )
  if (next.say !== 'terminal.open') throw new Error('no opening')
  for (let sent = 0; sent <= TERMINAL_WINDOW_BYTES; sent += part.length)
    runner.send(encodeTerminal(next.terminal, part))
  await second.closed
  expect(second.heard.at(-1)).toMatchObject({ reason: 'the runner sent more than it was let' })
})

test('five terminals of one run are enough', async () => {
  await using house = await startHouse()
  const { runner } = await withWork(house)
  await using _ = runner
  await using stack = new AsyncDisposableStack()
  for (let count = 1; count <= 5; count++) {
    stack.use(await visitor(house)).say(OPEN)
    await until(async () => (await listed(house)).length === count)
  }
  const sixth = stack.use(await visitor(house))
  sixth.say(OPEN)
  await sixth.closed
  expect(sixth.heard).toMatchObject([{ say: 'refused', code: 'too-many-terminals' }])
})

test('a terminal whose server was killed is closed on paper by the next one', async () => {
  await using house = await startHouse()
  const { runner } = await withWork(house)
  await using _ = runner
  const [user, { id: runner_id }] = await Promise.all([
    house.db.selectFrom('users').select('id').executeTakeFirstOrThrow(),
    house.db.selectFrom('runners').select('id').executeTakeFirstOrThrow(),
  ])
  const lost = {
    run_id: 1 as RunId,
    user_id: user.id,
    runner_id,
    connection: 'of a dead server',
    command: [],
  }
  await house.db.insertInto('terminals').values(lost).execute()
  await house.restart()
  await until(async () => (await listed(house))[0].closed_at !== null)
  expect(await listed(house)).toMatchObject([{ reason: 'the server or the runner went away' }])
  expect(await told(house)).toMatchObject([{ kind: 'terminal.closed', run: 1 }])
})

const helloOf = (name: string) => ({ ...HELLO, name })

test('a kept container is shown with its run until it is let go, and only by the runner that carried it', async () => {
  await using house = await startHouse()
  const { runner } = await withWork(house)
  await using _ = runner
  await using stranger = await hand(house, helloOf('stranger'))
  stranger.say({ say: 'holding', runs: [{ run: 1, leftMs: 60_000 }] })
  runner.report(1, { kind: 'run.ended', move: 'fail', error: null, exitCode: 1 })
  await until(async () => (await house.ask('GET /api/v1/runs/1')).body.state === 'failed')
  expect((await house.ask('GET /api/v1/runs/1')).body.hold).toBeNull()
  expect(await house.ask('POST /api/v1/runs/1/hold/end')).toMatchObject({
    status: 409,
    body: { code: 'not-held' },
  })
  runner.say({ say: 'holding', runs: [{ run: 1, leftMs: 60_000 }] })
  const hold = await until(async () => (await house.ask('GET /api/v1/runs/1')).body.hold)
  expect(hold).toMatchObject({ ending: false })
  expect(Date.parse(hold.until)).toBeGreaterThan(Date.now() + 30_000)
  expect((await house.ask('GET /api/v1/holds')).body.items).toMatchObject([{ run: 1, job: 'test' }])
  const { guest } = await opened(house, runner)
  await guest[Symbol.asyncDispose]()
  const ended = await house.ask('POST /api/v1/runs/1/hold/end')
  expect(ended.body.hold).toMatchObject({ ending: true })
  expect(await ordered(runner, 'release')).toMatchObject({ run: 1 })
  runner.say({ say: 'holding', runs: [] })
  await until(async () => (await house.ask('GET /api/v1/runs/1')).body.hold === null)
})

test('a retry says how long its container shall be kept, and nonsense is refused with the rule', async () => {
  await using house = await startHouse()
  const { runner } = await withWork(house)
  await using _ = runner
  runner.report(1, { kind: 'run.ended', move: 'fail', error: null, exitCode: 1 })
  await until(async () => (await house.ask('GET /api/v1/runs/1')).body.state === 'failed')
  for (const hold of ['soon', '0s', '13h', '']) {
    const refused = await house.ask('POST /api/v1/runs/1/retry', { hold })
    expect(refused.status).toBe(422)
    expect(refused.body.detail).toContain('write a duration of at most 12h')
  }
  const again = await house.ask('POST /api/v1/runs/1/retry', { hold: '30m' })
  expect(again.status).toBe(201)
  runner.say({ say: 'ready', slots: 1 })
  const plans = await until(() => {
    const found = runner.heard.flatMap((said) => (said.say === 'work' ? [said.plan] : []))
    return found.length === 2 && found
  })
  expect(plans.map(({ holdMs }) => holdMs)).toEqual([0, 1_800_000])
})
