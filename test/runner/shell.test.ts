import { spawn } from 'node:child_process'
import { accessSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { tokens } from '../../runner/marks.ts'
import type { Token } from '../../runner/marks.ts'
import { BOOTSTRAP, quote, script } from '../../runner/shell.ts'
import { runStep } from './plans.ts'

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
  ['dash', ['/bin/dash', '-c', 'eval "$(cat)"']],
  ['bash', ['/bin/bash', '-c', 'set -o pipefail; eval "$(cat)"']],
  ['busybox sh', ['/bin/busybox', 'sh', '-c', 'eval "$(cat)"']],
]
const SHELLS = ALL.filter(([, [program = '']]) => there(program))

type Ran = { exitCode: number; tokens: Token[]; text: string }

async function run(argv: string[], commands: string[][], env: Record<string, string> = {}): Promise<Ran> {
  const [program = '', ...args] = argv
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], SHLVL: '1' },
  })
  const steps = commands.map((list, index) => runStep(index + 1, list))
  child.stdin.end(script({ steps, env, directory: '/tmp', nonce: NONCE }))
  const ended = new Promise<number>((resolve) =>
    child.once('exit', (code, name) => resolve(code ?? (name ? 255 : 0))),
  )
  const all = await Array.fromAsync(tokens(child.stdout, NONCE))
  const text = Buffer.concat(all.flatMap((token) => (token.kind === 'bytes' ? [token.bytes] : []))).toString()
  return { exitCode: await ended, tokens: all.filter(({ kind }) => kind !== 'bytes'), text }
}

const command = (step: number, index: number, code = 0) => ({ kind: 'command', step, command: index, code })
const end = (step: number, code = 0) => ({ kind: 'end', step, code })

describe.each(SHELLS)('%s', (_name, argv) => {
  test('commands of a step share one shell', async () => {
    const ran = await run(argv, [['cd /', 'X="a  b"', 'f() { echo "f $1"; }', 'pwd; echo "$X"; f 1']])
    expect(ran.text).toBe('/\na  b\nf 1\n')
    expect(ran.tokens).toEqual([command(0, 0), command(0, 1), command(0, 2), command(0, 3), end(0)])
    expect(ran.exitCode).toBe(0)
  })

  test('each step begins anew in the working directory', async () => {
    const ran = await run(argv, [['cd /', 'X=1'], ['pwd; echo "${X-unset}"']])
    expect(ran.text).toBe('/tmp\nunset\n')
  })

  test('the first failure ends the script with its exit code', async () => {
    const ran = await run(argv, [['true', '(exit 7)', 'echo never'], ['echo never']])
    expect(ran.tokens).toEqual([command(0, 0), command(0, 1), end(0, 7)])
    expect([ran.text, ran.exitCode]).toEqual(['', 7])
  })

  test('exit 0 ends the step green', async () => {
    const ran = await run(argv, [['exit 0', 'echo never'], ['echo next']])
    expect([ran.text, ran.exitCode]).toEqual(['next\n', 0])
    expect(ran.tokens).toEqual([command(0, 0), end(0), command(1, 0), end(1)])
  })

  test('a syntax error fails its own command only', async () => {
    const ran = await run(argv, [['echo before', 'if true; then', 'echo never']])
    expect(ran.text).toMatch(/^before\n.+/s)
    expect(ran.text).not.toContain('never')
    expect(ran.tokens.slice(0, 2)).toEqual([command(0, 0), command(0, 1)])
    expect(ran.exitCode).not.toBe(0)
  })

  test('an unset variable is an error', async () => {
    expect((await run(argv, [['echo "$NOT_THERE_AT_ALL"']])).exitCode).not.toBe(0)
  })

  test('stdin is empty', async () => {
    expect((await run(argv, [['cat', 'if read -r x; then echo got "$x"; fi', 'echo end']])).text).toBe(
      'end\n',
    )
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
    expect(ran.exitCode).toBe(0)
  })

  test('a command may be long, of many lines, and hold a here-document', async () => {
    const text = `cat <<'EOF'\n${"it's line\n".repeat(20_000)}EOF`
    expect((await run(argv, [[text]])).text).toBe("it's line\n".repeat(20_000))
  })

  test('boundaries survive a command that redirects the shell’s output', async () => {
    const ran = await run(argv, [['exec >/dev/null', 'echo unseen'], ['echo seen']])
    expect(ran.text).toBe('seen\n')
    expect(ran.tokens).toEqual([command(0, 0), command(0, 1), end(0), command(1, 0), end(1)])
  })

  test('a boundary tells the exit code that set +e let pass', async () => {
    const ran = await run(argv, [['set +e', 'false', 'true']])
    expect(ran.tokens).toEqual([command(0, 0), command(0, 1), command(0, 2, 1), end(0)])
  })

  test('an exit trap still speaks inside its step', async () => {
    const ran = await run(argv, [["trap 'echo bye' EXIT", 'false']])
    expect([ran.text, ran.exitCode]).toEqual(['bye\n', 1])
  })
})

test('bash is taken where there is one, with pipefail', async () => {
  const ran = await run(['/bin/sh', '-c', BOOTSTRAP], [['false | cat']])
  expect(ran.exitCode).toBe(there('/bin/bash') ? 1 : 0)
})

test('tracing shows the commands, not the marks', async () => {
  const { text } = await run(['/bin/bash', '-c', 'eval "$(cat)"'], [['set -x', 'echo hi']])
  expect(text).not.toContain(NONCE)
  expect(text).toContain('echo hi\nhi\n')
})

test('a quoted word holds no NUL', () => expect(quote("a\0b'c")).toBe(`'ab'\\''c'`))
