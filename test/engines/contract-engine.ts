import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunId } from '#pipelines/ids.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import { EngineError } from '../../runner/engine.ts'
import type { Engine, Output } from '../../runner/engine.ts'
import { Stop } from '../../runner/stop.ts'
import { checkoutOf, planOf, runStep } from '../runner/plans.ts'
import { until } from '../support/until.ts'
import { describeFiles } from './contract-files.ts'
import { describeShells } from './contract-shells.ts'
import { describeStops } from './contract-stops.ts'
import { describeWalk } from './contract-walk.ts'
import { begin, collect, type Ground, groundOf, open, runOnce } from './contract.ts'
import { serveGit } from './git-server.ts'

const started = (command: number): Output => ({ kind: 'command.started', command })
const ended = (command: number, exitCode = 0): Output => ({ kind: 'command.ended', command, exitCode })

export type Contract = {
  readonly make: (ground: Ground) => Promise<Engine>
  readonly image: string | null
  /** Another image with a shell; null where the engine uses none. */
  readonly other: string | null
  /** Everything an engine with this identity left on the machine. */
  readonly leftovers: (ground: Ground) => Promise<string[]>
}

/** The rules every engine that runs real commands keeps. */
export function describeEngine(kind: string, { make, image, other, leftovers }: Contract): void {
  describe(`the ${kind} engine`, () => {
    let ground: Awaited<ReturnType<typeof groundOf>>
    let engine: Engine
    const plan = (commands: string[] = [], changes: Partial<Plan> = {}) =>
      planOf(commands, { image, ...changes })
    const run = (commands: string[], changes: Partial<Plan> = {}) => runOnce(engine, plan(commands, changes))
    const idle = () => new AbortController().signal

    beforeAll(async () => {
      ground = await groundOf(kind)
      engine = await make(ground)
    })
    afterAll(async () => {
      await engine.sweep(new Set())
      await ground[Symbol.asyncDispose]()
    })

    describe('its shells', () => describeShells({ engine: () => engine, image }))
    describeWalk({ engine: () => engine, image, other })
    describe('its stops', () => describeStops({ engine: () => engine, image }))
    describe('its files', () => describeFiles({ engine: () => engine, image }))

    test('output arrives byte by byte, without a newline too, and whatever it is', async () => {
      const ran = await run([`printf 'a\\377\\376\\000\\303'`, `printf '\\036x\\036no newline'`])
      expect(ran.bytes).toEqual(Buffer.from('a\xff\xfe\0\xc3\x1ex\x1eno newline', 'latin1'))
    })

    test('five megabytes arrive whole', async () => {
      const ran = await run(['head -c 5000000 /dev/zero | tr "\\000" "z"', 'echo', 'echo end'])
      expect(ran.bytes.length).toBe(5_000_005)
      expect(ran.bytes.subarray(0, 5_000_000).every((byte) => byte === 0x7a)).toBe(true)
      expect(ran.text.endsWith('z\nend\n')).toBe(true)
    })

    test('commands share one shell, steps one workspace', async () => {
      const two = plan([])
      const steps = [
        runStep(1, ['mkdir -p d && cd d', 'X="a b"', 'echo "$X" > file; pwd | sed s,.*/,,']),
        runStep(2, ['cat d/file', 'echo "${X-unset}"']),
      ]
      await using workspace = await open(engine, { ...two, steps })
      const shell = await workspace.shell(null, idle())
      const play = (index: number) => {
        const { commands, env } = steps[index]!
        return collect(shell.run({ commands, env }, idle()))
      }
      expect((await play(0)).text).toBe('d\n')
      expect((await play(1)).text).toBe('a b\nunset\n')
    })

    test('each command has its boundaries and its exit code', async () => {
      const ran = await run(['true', 'exit_with() { return 3; }; exit_with', 'echo never'])
      expect(ran.events).toEqual([started(0), ended(0), started(1), ended(1, 3)])
      expect(ran.status).toMatchObject({ exitCode: 3, error: null })
    })

    test('exit 0 ends a step green, with later commands unreached', async () => {
      const ran = await run(['echo a', 'exit 0', 'echo never'])
      expect(ran).toMatchObject({ text: 'a\n', status: { exitCode: 0 } })
      expect(ran.events).toEqual([started(0), ended(0), started(1), ended(1)])
    })

    test('a syntax error fails its own command only', async () => {
      const ran = await run(['echo fine', 'for do done (', 'echo never'])
      expect(ran.text).toMatch(/^fine\n/)
      expect(ran.events.slice(0, 3)).toEqual([started(0), ended(0), started(1)])
      expect(ran.status.exitCode).not.toBe(0)
    })

    test('a shell that is killed breaks the run', async () => {
      await expect(run(['kill -9 $$; sleep 300', 'echo never'])).rejects.toMatchObject({
        code: 'shell_killed',
      })
    })

    test('a command that is killed fails it', async () => {
      const ran = await run(["sh -c 'kill -9 $$'", 'echo never'])
      expect(ran.status).toMatchObject({ exitCode: 137, error: null })
    })

    test('stdin is empty', async () => {
      expect((await run(['cat', 'wc -c'])).text.trim()).toBe('0')
    })

    test('the environment arrives with quotes, newlines and all', async () => {
      const value = `it's\n"two"\n$HOME \`lines\` \\ 🦊`
      expect((await run(['printf %s "$VALUE"'], { env: { VALUE: value } })).text).toBe(value)
    })

    test('nothing of the runner’s own environment reaches the commands', async () => {
      process.env['TAKT_TEST_SECRET'] = 'must-not-be-seen'
      expect((await run(['env'])).text).not.toMatch(/must-not-be-seen|VITEST/)
    })

    test('a stopped step ends soon, and the stop is what is thrown', async () => {
      const stop = new AbortController()
      await using workspace = await open(engine, plan())
      const begun = performance.now()
      const step = collect(
        begin(workspace, ['sleep 300 & echo up; sleep 300'], stop.signal),
        (text) => text.includes('up') && stop.abort(new Stop('cancelled', 'enough')),
      )
      await expect(step).rejects.toThrow('enough')
      expect(performance.now() - begun, 'nobody waited for the grace of ten seconds').toBeLessThan(9_000)
    })

    test('commands may tidy up when they are stopped', async () => {
      const stop = new AbortController()
      await using workspace = await open(engine, plan())
      const heard: string[] = []
      const hear = (text: string) => {
        heard.push(text)
        if (text.includes('up')) stop.abort(new Stop('timeout', 'too long'))
      }
      await expect(
        collect(
          begin(
            workspace,
            [`sh -c 'trap "echo tidy; exit 1" TERM; echo up; while :; do sleep 0.05; done'`],
            stop.signal,
          ),
          hear,
        ),
      ).rejects.toThrow('too long')
      expect(heard.join('')).toContain('tidy')
    })

    test('what ignores SIGTERM is killed after the grace', async () => {
      const stop = new AbortController()
      await using workspace = await open(engine, plan())
      const begun = performance.now()
      const step = collect(
        begin(workspace, [`sh -c 'trap "" TERM; echo up; while :; do sleep 1; done'`], stop.signal),
        (text) => text.includes('up') && stop.abort(new Stop('cancelled', 'enough')),
      )
      await expect(step).rejects.toThrow('enough')
      expect(performance.now() - begun).toBeGreaterThan(9_000)
    })

    test('a runner that is stopped at once gives no grace', async () => {
      const stop = new AbortController()
      await using workspace = await open(engine, plan())
      const begun = performance.now()
      const step = collect(
        begin(workspace, [`sh -c 'trap "" TERM; echo up; while :; do sleep 1; done'`], stop.signal),
        (text) => text.includes('up') && stop.abort(new Stop('runner_stopped', 'now')),
      )
      await expect(step).rejects.toThrow('now')
      expect(performance.now() - begun, 'nobody waited for the grace of ten seconds').toBeLessThan(9_000)
    })

    test('a run that was stopped before it began leaves nothing', async () => {
      const stop = new AbortController()
      stop.abort(new Stop('cancelled', 'before it began'))
      await expect(open(engine, plan(['true']), stop.signal)).rejects.toThrow('before it began')
      expect(await leftovers(ground)).toEqual([])
    })

    test('nobody reading makes the commands wait', async () => {
      await using workspace = await open(engine, plan())
      const output = begin(workspace, ['head -c 50000000 /dev/zero', 'date +%s%N >/dev/null'], idle())
      await output.next()
      const { bytes } = await collect(output)
      expect(bytes.length).toBe(50_000_000)
    })

    test('disposing ends everything and removes everything, twice too', async () => {
      const workspace = await open(engine, plan())
      const output = begin(workspace, ['sleep 300 & setsid sleep 300 & echo up; sleep 300'], idle())
      await until(async () => (await output.next()).value)
      expect(await leftovers(ground)).not.toEqual([])
      await workspace[Symbol.asyncDispose]()
      await workspace[Symbol.asyncDispose]()
      expect(await leftovers(ground)).toEqual([])
    })

    test('sweeping removes what a killed runner left, but not what is kept', async () => {
      const kept = plan(['sleep 300'])
      await using _place = await open(engine, kept)
      await open(engine, plan(['setsid sleep 300 & sleep 300']))
      expect((await leftovers(ground)).length).toBeGreaterThan(1)
      const nextLife = await make(ground)
      await nextLife.sweep(new Set([kept.run]))
      const left = await leftovers(ground)
      expect(left.length).toBeGreaterThan(0)
      expect(left.every((name) => name.includes(String(kept.run)))).toBe(true)
      await nextLife.sweep(new Set<RunId>())
      expect(await leftovers(ground)).toEqual([])
    })

    test('a commit becomes the working directory', async () => {
      const credential = { username: 'run', password: 'lease-lease-lease' }
      await using git = await serveGit(credential)
      const sha = await git.commit({ 'a.txt': 'one\n', 'bin/go.sh': '#!/bin/sh\necho gone\n' })
      await git.commit({ 'a.txt': 'two\n' })
      const checkout = checkoutOf({ url: git.url, sha, ref: 'refs/heads/main', credential })
      const ran = await run(
        ['cat a.txt', './bin/go.sh', 'cat .git/HEAD', 'ls -ln a.txt | sed "s/ \\+/ /g" | cut -d" " -f1,3,4'],
        { checkout },
      )
      expect(ran.text).toBe(`one\ngone\n${sha}\n-rw-r--r-- 0 0\n`)
    })

    test('a commit that is not there breaks the run, and leaves nothing', async () => {
      const credential = { username: 'run', password: 'lease-lease-lease' }
      await using git = await serveGit(credential)
      await git.commit({ 'a.txt': 'one\n' })
      const checkout = checkoutOf({ url: git.url, sha: '1'.repeat(40), ref: 'refs/heads/main', credential })
      const opening = open(engine, plan(['true'], { checkout }))
      await expect(opening).rejects.toMatchObject({ code: 'checkout_failed', name: EngineError.name })
      expect(await leftovers(ground)).toEqual([])
    })
  })
}
