import { spawn } from 'node:child_process'
import { accessSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exited } from '../../runner/engine.ts'
import type { ExitStatus, Output, Script } from '../../runner/engine.ts'
import { FedShell } from '../../runner/fed-shell.ts'
import type { EndSignal } from '../../runner/ending.ts'
import { MARK } from '../../runner/local/processes.ts'
import { pursue } from '../../runner/local/pursue.ts'
import { Stop } from '../../runner/stop.ts'
import { BOOTSTRAP, quote } from '../../runner/shell.ts'
import { collect } from '../engines/contract.ts'

const NONCE = 'ab'.repeat(16)
const there = (path: string) => {
  try {
    accessSync(path)
    return true
  } catch {
    return false
  }
}
const ALL: [string, string[]][] = [
  ['sh as it is started', ['/bin/sh', '-c', BOOTSTRAP]],
  ['dash', ['/bin/dash', '-s']],
  ['bash', ['/bin/bash', '-o', 'pipefail', '-s']],
  ['busybox sh', ['/bin/busybox', 'sh', '-s']],
]
const failed = (error: unknown) => {
  throw error
}
const SHELLS = ALL.filter(([, [program = '']]) => there(program))

type Ran = { exitCodes: number[]; events: Output[]; text: string; statuses: ExitStatus[] }

/** A shell of this machine that is fed, in a workspace of its own. */
async function shellOf(argv: string[]) {
  const root = await mkdtemp(join(tmpdir(), 'takt-shell-'))
  for (const folder of ['work', 'state']) await mkdir(join(root, folder))
  const [program = '', ...args] = argv
  const mark = `${root}:`
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], SHLVL: '1', [MARK]: mark },
  })
  const sent: EndSignal[] = []
  const ended = new Promise<ExitStatus>((resolve) =>
    child.once('exit', (code) => resolve(exited(code ?? 255))),
  )
  const fed = new FedShell({
    input: child.stdin,
    output: child.stdout,
    root,
    nonce: NONCE,
    pursue: (step) => {
      const pursuit = pursue(step, { mark, failed })
      const send = (name: EndSignal) => (sent.push(name), pursuit.send(name))
      return { send, [Symbol.dispose]: () => pursuit[Symbol.dispose]() }
    },
    abandon: () => child.kill('SIGKILL'),
    ended: () => ended,
    cause: null,
  })
  const dispose = async () => {
    child.stdin.end()
    await ended
    await rm(root, { recursive: true, force: true })
  }
  return { fed, root, sent, [Symbol.asyncDispose]: dispose }
}

async function run(argv: string[], commands: string[][], env: Record<string, string> = {}): Promise<Ran> {
  await using shell = await shellOf(argv)
  const statuses: ExitStatus[] = []
  const outputs: Output[] = []
  for (const list of commands) statuses.push(await play(shell.fed, { commands: list, env }, outputs))
  const text = Buffer.concat(
    outputs.flatMap((each) => (each.kind === 'bytes' ? [each.bytes] : [])),
  ).toString()
  const events = outputs.filter(({ kind }) => kind !== 'bytes')
  return { exitCodes: statuses.map(({ exitCode }) => exitCode), events, text, statuses }
}

async function play(fed: FedShell, script: Script, outputs: Output[]): Promise<ExitStatus> {
  const output = fed.run(script, new AbortController().signal)
  let next = await output.next()
  for (; !next.done; next = await output.next()) outputs.push(next.value)
  return next.value
}

const started = (command: number): Output => ({ kind: 'command.started', command })
const ended = (command: number, exitCode = 0): Output => ({ kind: 'command.ended', command, exitCode })

describe.each(SHELLS)('%s', (_name, argv) => {
  test('commands of a step share one shell', async () => {
    const ran = await run(argv, [['cd /', 'X="a  b"', 'f() { echo "f $1"; }', 'pwd; echo "$X"; f 1']])
    expect(ran.text).toBe('/\na  b\nf 1\n')
    expect(ran.events).toEqual([0, 1, 2, 3].flatMap((command) => [started(command), ended(command)]))
    expect(ran.exitCodes).toEqual([0])
  })

  test('each step begins anew in the working directory', async () => {
    const ran = await run(argv, [['cd /', 'X=1'], ['echo "${PWD##*/} ${X-unset}"']])
    expect(ran.text).toBe('work unset\n')
  })

  test('the first failure ends its step with its exit code, and the shell goes on', async () => {
    const ran = await run(argv, [['true', '(exit 7)', 'echo never'], ['echo next']])
    expect(ran.events.slice(0, 4)).toEqual([started(0), ended(0), started(1), ended(1, 7)])
    expect([ran.text, ran.exitCodes]).toEqual(['next\n', [7, 0]])
  })

  test('exit 0 ends the step green', async () => {
    const ran = await run(argv, [['exit 0', 'echo never'], ['echo next']])
    expect([ran.text, ran.exitCodes]).toEqual(['next\n', [0, 0]])
  })

  test('a syntax error fails its own command only', async () => {
    const ran = await run(argv, [['echo before', 'if true; then', 'echo never'], ['echo after']])
    expect(ran.text).toMatch(/^before\n.+after\n$/s)
    expect(ran.text).not.toContain('never')
    expect(ran.events.slice(0, 3)).toEqual([started(0), ended(0), started(1)])
    expect(ran.exitCodes.map((code) => code === 0)).toEqual([false, true])
  })

  test('an unset variable is an error', async () => {
    expect((await run(argv, [['echo "$NOT_THERE_AT_ALL"']])).exitCodes).not.toEqual([0])
  })

  test('stdin is empty, and nothing of it is the next step’s', async () => {
    const commands = [['cat', 'if read -r x; then echo got "$x"; fi', 'echo end'], ['echo next']]
    expect((await run(argv, commands)).text).toBe('end\nnext\n')
  })

  test('stdout and stderr come in the order they were written', async () => {
    const ran = await run(argv, [['echo 1; echo 2 >&2; echo 3; echo 4 >&2']])
    expect(ran.text).toBe('1\n2\n3\n4\n')
  })

  test('the environment arrives byte by byte, whatever is in it', async () => {
    const value = `it's "quoted" $HOME \`id\` \\n\n\tsecond 'line' é 🦊`
    const ran = await run(argv, [['printf "%s" "$VALUE"', 'sh -c \'printf "%s" "$VALUE"\'']], {
      VALUE: value,
      'not-a-name': 'x',
    })
    expect(ran.text).toBe(value + value)
    expect(ran.exitCodes).toEqual([0])
  })

  test('variables of one step are not the next one’s', async () => {
    await using shell = await shellOf(argv)
    const outputs: Output[] = []
    await play(shell.fed, { commands: ['echo "$ONE"'], env: { ONE: 'first' } }, outputs)
    await play(shell.fed, { commands: ['echo "${ONE-unset} ${R-unset} ${line-unset}$#"'], env: {} }, outputs)
    const text = Buffer.concat(outputs.flatMap((each) => (each.kind === 'bytes' ? [each.bytes] : [])))
    expect(text.toString()).toBe('first\nunset unset unset0\n')
  })

  test('a command may be long, of many lines, and hold a here-document', async () => {
    const text = `cat <<'EOF'\n${"it's line\n".repeat(20_000)}EOF`
    expect((await run(argv, [[text], ['echo next']])).text).toBe("it's line\n".repeat(20_000) + 'next\n')
  })

  test('boundaries survive a command that redirects the shell’s output', async () => {
    const ran = await run(argv, [['exec >/dev/null', 'echo unseen'], ['echo seen']])
    expect(ran.text).toBe('seen\n')
    expect(ran.events.slice(0, 4)).toEqual([started(0), ended(0), started(1), ended(1)])
  })

  test('a boundary tells the exit code that set +e let pass', async () => {
    const ran = await run(argv, [['set +e', 'false', 'true']])
    expect(ran.events.slice(2)).toEqual([started(1), ended(1, 1), started(2), ended(2)])
  })

  test('an exit trap still speaks inside its step', async () => {
    const ran = await run(argv, [["trap 'echo bye' EXIT", 'false']])
    expect([ran.text, ran.exitCodes]).toEqual(['bye\n', [1]])
  })

  test('what a step wrote to its output file is handed over, and is no log', async () => {
    await using shell = await shellOf(argv)
    const outputs: Output[] = []
    const write = {
      commands: [`printf '%s\\n' a=1 'b= x y \\' > ../output; printf last >> ../output`],
      env: {},
    }
    expect((await play(shell.fed, write, outputs)).output).toBe('a=1\nb= x y \\\nlast\n')
    expect(outputs.filter(({ kind }) => kind === 'bytes')).toEqual([])
    const none = await play(shell.fed, { commands: ['rm ../output; mkfifo ../output'], env: {} }, outputs)
    expect(none).toEqual(exited(0))
  })

  test.each(['../state/file', '../state/.hidden', '../state/*'])('state is noticed in %s', async (file) => {
    const ran = await run(argv, [['true'], [`: > '${file}'`], [`rm '${file}'`]])
    expect(ran.statuses.map(({ stateTouched }) => stateTouched)).toEqual([false, true, false])
  })

  test('a stop that comes as a command begins ends the step, and the shell goes on', async () => {
    await using shell = await shellOf(argv)
    const stop = new AbortController()
    const output = shell.fed.run({ commands: ['echo up; sleep 300'], env: {} }, stop.signal)
    const hear = (text: string) => text.includes('up') && stop.abort(new Stop('cancelled', 'enough'))
    await expect(collect(output, hear)).rejects.toThrow('enough')
    expect(new Set(shell.sent)).toEqual(new Set(['SIGTERM']))
    expect(shell.fed.usable).toBe(true)
  })

  test('a step that kills its own shell is no silence: the shell’s end is the answer', async () => {
    expect((await run(argv, [['kill -9 $$', 'sleep 1']])).exitCodes).toEqual([255])
  })
})

test('bash is taken where there is one, with pipefail', async () => {
  const ran = await run(['/bin/sh', '-c', BOOTSTRAP], [['false | cat']])
  expect(ran.exitCodes).toEqual([there('/bin/bash') ? 1 : 0])
})

test('tracing shows the commands, not the marks', async () => {
  const { text } = await run(['/bin/bash', '-s'], [['set -x', 'echo hi']])
  expect(text).not.toContain(NONCE)
  expect(text).toContain('echo hi\nhi\n')
})

test('a step in a waiting shell costs little', async () => {
  await using shell = await shellOf(['/bin/sh', '-c', BOOTSTRAP])
  const times: number[] = []
  for (let round = 0; round < 20; round++) {
    const begun = performance.now()
    await play(shell.fed, { commands: ['true'], env: { A: 'x'.repeat(2_000) } }, [])
    times.push(performance.now() - begun)
  }
  expect(times.toSorted((a, b) => a - b)[5]).toBeLessThan(15) // about a millisecond on a quiet machine
})

test('a quoted word holds no NUL', () => expect(quote("a\0b'c")).toBe(`'ab'\\''c'`))
