import { expect, test } from 'vitest'
import type { Engine, Workspace } from '../../runner/engine.ts'
import { Stop } from '../../runner/stop.ts'
import { planOf } from '../runner/plans.ts'
import { collect, open } from './contract.ts'

type Ground = { readonly engine: () => Engine; readonly image: string | null }
const idle = () => new AbortController().signal

/** The rules of shells that are fed one step after the other, and of several in one workspace. */
export function describeShells({ engine, image }: Ground): void {
  const place = () => open(engine(), planOf([], { image }))
  const stopped = async (workspace: Workspace, commands: string[]) => {
    const stop = new AbortController()
    const shell = await workspace.shell(null, idle())
    const step = collect(
      shell.run({ commands, env: {} }, stop.signal),
      (text) => text.includes('up') && stop.abort(new Stop('timeout', 'too long')),
    )
    await expect(step).rejects.toThrow('too long')
    return shell
  }

  test('a shell goes on after a step that failed', async () => {
    await using workspace = await place()
    const shell = await workspace.shell(null, idle())
    const play = (...commands: string[]) => collect(shell.run({ commands, env: {} }, idle()))
    expect((await play('echo one > file', 'exit 7')).status.exitCode).toBe(7)
    expect(await play('cat file')).toMatchObject({ text: 'one\n', status: { exitCode: 0 } })
  })

  test('a shell goes on after a step that was stopped, on the same files, and nothing of the step does', async () => {
    await using workspace = await place()
    const shell = await stopped(workspace, [
      'echo here > file',
      '(while :; do sleep 0.1; : > tick; done) & echo up; sleep 300',
    ])
    expect(shell.usable).toBe(true)
    const after = await collect(
      shell.run({ commands: ['rm -f tick', 'cat file; sleep 0.4; ls'], env: {} }, idle()),
    )
    expect(after.text).toBe('here\nfile\n')
  })

  test('what ignores SIGTERM and what left its parent dies with its step', async () => {
    await using workspace = await place()
    const stubborn = `sh -c 'trap "" TERM; while :; do sleep 0.1; : > tick; done'`
    const shell = await stopped(workspace, [
      `(${stubborn} &) ; trap "" TERM; echo up; while :; do sleep 1; done`,
    ])
    const after = await collect(shell.run({ commands: ['rm -f tick', 'sleep 0.4; ls'], env: {} }, idle()))
    expect(after.text).toBe('')
  })

  test('shells of one workspace work at the same time, each on its own step', async () => {
    await using workspace = await place()
    const shells = await Promise.all([1, 2, 3].map(() => workspace.shell(null, idle())))
    const texts = await Promise.all(
      shells.map(async (shell, index) => {
        // None of them comes to its end before all of them have begun.
        const commands = [
          `: > begun-${index}`,
          `until [ -e begun-0 ] && [ -e begun-1 ] && [ -e begun-2 ]; do sleep 0.05; done`,
        ]
        const { text } = await collect(
          shell.run({ commands: [...commands, 'echo "$WHO"'], env: { WHO: `w${index}` } }, idle()),
        )
        return text
      }),
    )
    expect(texts).toEqual(['w0\n', 'w1\n', 'w2\n'])
  })

  test('a stopped step ends alone: the step beside it goes on', async () => {
    await using workspace = await place()
    const beside = await workspace.shell(null, idle())
    const going = collect(
      beside.run({ commands: ['until [ -e go ]; do sleep 0.05; done; echo done'], env: {} }, idle()),
    )
    const other = await stopped(workspace, ['echo up; sleep 300'])
    await collect(other.run({ commands: [': > go'], env: {} }, idle()))
    expect((await going).text).toBe('done\n')
  })

  test('a step says what it wrote to the output file, and whether there is state', async () => {
    await using workspace = await place()
    const { root } = workspace
    const shell = await workspace.shell(null, idle())
    const play = (command: string) => collect(shell.run({ commands: [command], env: {} }, idle()))
    expect((await play('true')).status).toMatchObject({ output: null, stateTouched: false })
    const ran = await play(`echo a=1 >> ${root}/output; echo x > ${root}/state/x`)
    expect(ran).toMatchObject({ text: '', status: { output: 'a=1\n', stateTouched: true } })
    expect((await play(`echo b=2 >> ${root}/output; exit 3`)).status).toMatchObject({
      exitCode: 3,
      output: 'a=1\nb=2\n',
    })
  })

  test('a shell that was killed is replaced, and the files are still there', async () => {
    await using workspace = await place()
    const shell = await workspace.shell(null, idle())
    const killed = collect(
      shell.run({ commands: ['echo here > file', 'kill -9 $$; sleep 300'], env: {} }, idle()),
    )
    await expect(killed).rejects.toMatchObject({ code: 'shell_killed' })
    expect(shell.usable).toBe(false)
    const next = await workspace.shell(null, idle())
    expect((await collect(next.run({ commands: ['cat file'], env: {} }, idle()))).text).toBe('here\n')
  })

  test('a shell that was left in the middle of a step is never used again', async () => {
    await using workspace = await place()
    const shell = await workspace.shell(null, idle())
    const output = shell.run({ commands: ['echo up; sleep 300'], env: {} }, idle())
    await output.next() // its first command has begun
    await output.return({ exitCode: 0, error: null, output: null, stateTouched: false })
    expect(shell.usable).toBe(false)
    await expect(collect(shell.run({ commands: ['true'], env: {} }, idle()))).rejects.toMatchObject({
      code: 'runner_failed',
    })
  })
}
