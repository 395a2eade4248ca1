import { spawn } from 'node:child_process'
import { accessSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { TERM_BELOW } from '../../runner/docker/kill-below.ts'
import type { Pursuit, Stopped } from '../../runner/fed-shell.ts'
import { kill, MARK } from '../../runner/local/processes.ts'
import { pursue } from '../../runner/local/pursue.ts'
import { mayTidy } from '../../runner/tidying.ts'
import { until } from '../support/until.ts'

/** Nobody is a newborn but where a test says for how long. */
type Pursue = (step: Stopped, mark: string, newbornTicks?: number) => Pursuit
const SLOW = 60_000

/** As a container's own shell runs it, here with a shell of this machine. */
const byScript =
  (argv: readonly string[]): Pursue =>
  ({ shell, tidies }, _mark, newbornTicks = -1) => {
    const [program = '', ...args] = argv
    const all = [
      ...args,
      '-c',
      TERM_BELOW,
      'end',
      String(shell),
      tidies ? 'tidies' : '',
      String(newbornTicks),
    ]
    let child: ReturnType<typeof spawn> | null = null
    return {
      send: () => {
        if (child) child.stdin?.write('\n')
        else child = spawn(program, all, { stdio: ['pipe', 'ignore', 'ignore'] })
      },
      [Symbol.dispose]: () => child?.stdin?.end(),
    }
  }

const there = (path: string) => {
  try {
    accessSync(path)
    return true
  } catch {
    return false
  }
}
const failed = (error: unknown) => {
  throw error
}
const ALL: readonly [string, string, Pursue][] = [
  [
    'the local engine',
    '/proc',
    (step, mark, newbornTicks = -1) => pursue(step, { mark, failed, newbornTicks }),
  ],
  ['the script in sh', '/bin/sh', byScript(['/bin/sh'])],
  ['the script in bash', '/bin/bash', byScript(['/bin/bash'])],
  ['the script in busybox', '/bin/busybox', byScript(['/bin/busybox', 'sh'])],
]
const WAYS = ALL.filter(([, path]) => there(path))

/** A shell that waits for a step's subshell, in a folder of its own. */
async function stepOf(text: string) {
  const folder = await mkdtemp(join(tmpdir(), 'takt-pursue-'))
  const mark = `pursue-${process.pid}-${folder}:`
  const child = spawn('/bin/sh', ['-c', `( ${text}\n) 2>/dev/null; echo "ended $?"`], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
    env: { PATH: process.env['PATH'], [MARK]: mark },
  })
  const shell = child.pid ?? 0
  let said = ''
  child.stdout.on('data', (bytes) => (said += String(bytes)))
  const ended = new Promise((resolve) => child.once('close', resolve))
  const dispose = async () => {
    kill(-shell, 'SIGKILL') // whoever is left of a test that failed
    await ended
    await rm(folder, { recursive: true, force: true })
  }
  return {
    shell,
    mark,
    says: (word: string) => until(() => said.includes(word)),
    said: () => said,
    let: (name: string) => writeFile(join(folder, name), ''),
    [Symbol.asyncDispose]: dispose,
  }
}

/** Asks again until it is so. */
const asking = (pursuit: Pursuit, check: () => boolean) =>
  until(() => check() || void pursuit.send('SIGTERM'), { everyMs: 50 })

/** Waits without beginning a process. */
const wait = (name: string) => `until [ -e ${name} ]; do :; done`

describe.each(WAYS)('SIGTERM by %s', (_name, _path, begin) => {
  test('reaches whoever runs once, however often it is asked for', async () => {
    await using step = await stepOf(
      `trap : TERM; sh -c 'trap "echo got" TERM; echo up; ${wait('go')}; echo over'; sleep 0.2; exit 3`,
    )
    await step.says('up')
    using pursuit = begin({ shell: step.shell, tidies: true }, step.mark)
    for (const _time of [1, 2, 3]) pursuit.send('SIGTERM')
    await step.says('got')
    pursuit.send('SIGTERM')
    await step.let('go')
    await step.says('ended 3')
    expect(step.said()).toBe('up\ngot\nover\nended 3\n')
  })

  test('reaches the command that a subshell begins behind it, where that tidies nothing up', async () => {
    await using step = await stepOf(`trap 'echo heard' TERM; echo up; ${wait('go')}; sleep 300; exit 4`)
    await step.says('up')
    using pursuit = begin({ shell: step.shell, tidies: false }, step.mark)
    pursuit.send('SIGTERM')
    await step.says('heard')
    await step.let('go')
    await asking(pursuit, () => step.said().includes('ended 4'))
  })

  test('lets be what a subshell begins in order to tidy up, and what a command does', async () => {
    await using own = await stepOf(`trap 'echo heard; sleep 1 && echo tidied' TERM; echo up; ${wait('go')}`)
    await using other = await stepOf(
      `sh -c 'trap "echo heard; sleep 1 && echo tidied; exit" TERM; echo up; ${wait('go')}'; true`,
    )
    for (const [step, tidies] of [
      [own, true],
      [other, false],
    ] as const) {
      await step.says('up')
      using pursuit = begin({ shell: step.shell, tidies }, step.mark)
      pursuit.send('SIGTERM')
      await step.says('heard')
      await asking(pursuit, () => step.said().includes('tidied'))
      await step.let('go')
    }
  })

  test('reaches who is just being forked when it has put off the handlers of its parent', async () => {
    // Slowly, what a shell does between its fork and its own end of the handlers.
    await using step = await stepOf(
      `trap : TERM; ( trap 'echo lost' TERM; echo up; ${wait('go')}; trap - TERM; sleep 300 ); exit 5`,
    )
    await step.says('up')
    using pursuit = begin({ shell: step.shell, tidies: true }, step.mark, SLOW)
    pursuit.send('SIGTERM')
    await step.let('go')
    await asking(pursuit, () => step.said().includes('ended 5'))
    expect(step.said()).toBe('up\nended 5\n')
  })
})

test.each([
  ['npm test', false],
  ['rm -rf ./dist', false],
  ['trap "rm -f lock" EXIT', true],
  ['set -a; . ./env', true],
  ['source env', true],
  ['eval "$SETUP"', true],
  ['if true; then\n. env\nfi', true],
])('whether a step may tidy up stands in its words: %s', (text, tidies) => {
  expect(mayTidy([text])).toBe(tidies)
})
