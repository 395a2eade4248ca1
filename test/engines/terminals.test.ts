import Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TERMINAL_WINDOW_BYTES } from '#pipelines/wire/terminal-frames.ts'
import { dockerEngine } from '../../runner/docker/engine.ts'
import type { Engine } from '../../runner/engine.ts'
import { dockerDoor } from '../../runner/terminal/docker-door.ts'
import { openLobby } from '../../runner/terminal/lobby.ts'
import { Work } from '../../runner/work.ts'
import { checkoutOf, planOf } from '../runner/plans.ts'
import { visitorOf } from '../runner/terminal-visitor.ts'
import { until } from '../support/until.ts'
import { groundOf, log, open } from './contract.ts'
import { ensureTestImage, TEST_IMAGE, whyNoDocker } from './test-image.ts'

const reason = await whyNoDocker()
const LEASE = 'the-lease-of-this-run'

describe.skipIf(reason)(`a terminal in a container${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let ground: Awaited<ReturnType<typeof groundOf>>
  let engine: Engine
  beforeAll(async () => {
    await ensureTestImage()
    ground = await groundOf('terminals')
    engine = await dockerEngine(ground, AbortSignal.timeout(10_000))
  })
  afterAll(async () => {
    await engine.sweep(new Set())
    await ground[Symbol.asyncDispose]()
  })

  /** A run's workspace that people may look into. */
  async function lookInto(changes: Parameters<typeof planOf>[1] = {}) {
    const stack = new AsyncDisposableStack()
    const lobby = stack.use(openLobby(dockerDoor(new Docker(), log), log))
    const plan = planOf(['true'], { image: TEST_IMAGE, ...changes })
    const workspace = stack.use(await open(engine, plan))
    await workspace.shell(null, new AbortController().signal)
    const room = stack.use(lobby.admit({ plan, workspace, work: new Work(plan, LEASE, () => {}) }))
    const visitor = visitorOf(lobby.terminals)
    const names = async () => {
      const container = new Docker().getContainer(
        (await workspace.container!(null, AbortSignal.timeout(5_000)))!,
      )
      const { Processes } = await container.top({ ps_args: '-eo pid,args' })
      return Processes.map((columns: string[]) => columns.slice(1).join(' '))
    }
    return { plan, workspace, lobby, room, visitor, names, [Symbol.asyncDispose]: () => stack.disposeAsync() }
  }

  test('runs a shell in the working directory, with the job’s variables, on a screen of the size that was said', async () => {
    await using at = await lookInto({ env: { GREETING: 'hello there' } })
    at.visitor.open(at.plan.run, { terminal: 1, columns: 133, rows: 41 })
    await until(() => at.visitor.heard.some(({ say }) => say === 'terminal.opened'))
    at.visitor.type(1, 'pwd; echo "$GREETING"; stty size; echo $((6 * 7))\r')
    await at.visitor.sees(1, '/takt/work\r\n')
    await at.visitor.sees(1, 'hello there\r\n')
    await at.visitor.sees(1, '41 133')
    await at.visitor.sees(1, '42\r\n')
    at.lobby.terminals.obey({ say: 'terminal.resize', terminal: 1, columns: 99, rows: 33 })
    at.visitor.type(1, 'stty size\r')
    await at.visitor.sees(1, '33 99')
    at.visitor.type(1, 'exit 7\r')
    expect(await at.visitor.closed(1)).toMatchObject({ exitCode: 7, reason: null })
    expect(at.visitor.screen(1)).not.toMatch(/^[0-9a-f]{32} /)
  })

  test('runs a command instead, and says what it ended with', async () => {
    await using at = await lookInto()
    at.visitor.open(at.plan.run, {
      terminal: 1,
      command: ['sh', '-c', 'echo "$1"; exit 3', '-', 'it’s; "quoted" $(x)'],
    })
    expect(await at.visitor.closed(1)).toMatchObject({ exitCode: 3 })
    expect(at.visitor.screen(1)).toBe('it’s; "quoted" $(x)\r\n')
    at.visitor.open(at.plan.run, { terminal: 2, command: ['no-such-program'] })
    expect(await at.visitor.closed(2)).toMatchObject({ exitCode: 127 })
    expect(at.visitor.screen(2)).toContain('no-such-program')
  })

  test('hands every key on, those by which the engine would hang up, too', async () => {
    await using at = await lookInto()
    const command = [
      'sh',
      '-c',
      'stty raw -echo; echo ready; head -c 1 | od -An -tx1; head -c 2 | od -An -tx1',
    ]
    at.visitor.open(at.plan.run, { terminal: 1, command })
    await at.visitor.sees(1, 'ready')
    at.visitor.type(1, '\u0010')
    await at.visitor.sees(1, '10')
    at.visitor.type(1, '\u0010\u0011')
    await at.visitor.sees(1, '10 11')
    expect(await at.visitor.closed(1)).toMatchObject({ exitCode: 0 })
  })

  test('hides what opens the run’s repositories, and its lease', async () => {
    const credential = { username: 'ci', password: 'word-of-the-get' }
    const place = { url: 'https://git.example/a.git', sha: 'a'.repeat(40), ref: 'refs/heads/main' }
    const get = { kind: 'git' as const, resource: 'other', checkout: checkoutOf({ ...place, credential }) }
    await using at = await lookInto({ gets: [get] })
    at.visitor.open(at.plan.run, { terminal: 1, command: ['echo', `<word-of-the-get ${LEASE}>`] })
    await at.visitor.closed(1)
    expect(at.visitor.screen(1)).toBe('<*** ***>\r\n')
  })

  test('hides the run’s secrets, and echoes what may become one without waiting for more', async () => {
    await using at = await lookInto({ secrets: { TOKEN: 'hunter2-and-more' } })
    at.visitor.open(at.plan.run, { terminal: 1, command: ['cat'] })
    await until(() => at.visitor.heard.some(({ say }) => say === 'terminal.opened'))
    at.visitor.type(1, 'hunter2')
    await at.visitor.sees(1, 'hunter2')
    at.visitor.type(1, '\rhunter2-and-more!\r')
    await at.visitor.sees(1, '***!')
    expect(at.visitor.screen(1)).not.toContain('hunter2-and-more')
  })

  test('who hangs up ends everything that was begun in it, and the run goes on', async () => {
    await using at = await lookInto()
    at.visitor.open(at.plan.run, { terminal: 1 })
    await until(() => at.visitor.heard.some(({ say }) => say === 'terminal.opened'))
    at.visitor.type(1, 'sleep 4711 & (trap "" HUP; exec sleep 4712)\r')
    await until(async () => (await at.names()).filter((name: string) => /sleep 471/.test(name)).length === 2)
    at.lobby.terminals.obey({ say: 'terminal.close', terminal: 1 })
    await at.visitor.closed(1)
    await until(async () => !(await at.names()).some((name: string) => /sleep 471/.test(name)))
    const shell = await at.workspace.shell(null, new AbortController().signal)
    const step = shell.run({ commands: ['true'], env: {} }, new AbortController().signal)
    let next = await step.next()
    while (!next.done) next = await step.next()
    expect(next.value.exitCode).toBe(0)
  })

  test('a reader who does not read makes the program wait, and loses nothing', async () => {
    await using at = await lookInto()
    at.visitor.reader.isReading = false
    at.visitor.open(at.plan.run, { terminal: 1, command: ['sh', '-c', 'seq 1 200000'] })
    await until(() => at.visitor.screen(1).length > TERMINAL_WINDOW_BYTES - 32 * 1024)
    const before = at.visitor.screen(1).length
    expect(before).toBeLessThanOrEqual(TERMINAL_WINDOW_BYTES)
    expect((await at.names()).some((name: string) => name.includes('seq 1 200000'))).toBe(true)
    at.visitor.reader.isReading = true
    at.lobby.terminals.obey({ say: 'terminal.room', terminal: 1, bytes: before })
    expect(await at.visitor.closed(1)).toMatchObject({ exitCode: 0 })
    const lines = at.visitor.screen(1).split('\r\n').filter(Boolean)
    expect(lines.length).toBe(200_000)
    expect(lines.every((line, at) => line === String(at + 1))).toBe(true)
  })

  test('ends with its run, and opens no more in it', async () => {
    await using at = await lookInto()
    at.visitor.open(at.plan.run, { terminal: 1 })
    await until(() => at.visitor.heard.some(({ say }) => say === 'terminal.opened'))
    at.room[Symbol.dispose]()
    expect(await at.visitor.closed(1)).toMatchObject({ exitCode: null, reason: 'the run has ended' })
    at.visitor.open(at.plan.run, { terminal: 2 })
    expect(await at.visitor.closed(2)).toMatchObject({
      reason: expect.stringContaining('has no container here'),
    })
  })

  test('says in words when the run has no container of an image', async () => {
    await using at = await lookInto()
    at.visitor.open(at.plan.run, { terminal: 1, image: 'nobody/knows:1' })
    expect(await at.visitor.closed(1)).toMatchObject({
      exitCode: null,
      reason: 'The run has no container of the image nobody/knows:1.',
    })
  })

  test('closes when the container is killed', async () => {
    await using at = await lookInto()
    at.visitor.open(at.plan.run, { terminal: 1 })
    await until(() => at.visitor.heard.some(({ say }) => say === 'terminal.opened'))
    const name = await at.workspace.container!(null, AbortSignal.timeout(5_000))
    await new Docker().getContainer(name!).kill()
    await at.visitor.closed(1)
  })
})
