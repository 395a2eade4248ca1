import { expect, test } from 'vitest'
import { outcomeOf, startTakt } from '../command/run-takt.ts'
import { until } from '../support/until.ts'
import { startRunner } from '../support/runner.ts'
import { hostedProject } from '../support/repository.ts'
import { type House, startHouse } from '../support/server.ts'

const SLOW = { withinMs: 30_000, everyMs: 30 }

/** A project whose jobs these are, pushed once, and runners that carry them out. */
async function line(jobs: string, engines: readonly ('scripted' | 'local')[] = ['scripted']) {
  const stack = new AsyncDisposableStack()
  const house = stack.use(await startHouse())
  const clone = stack.use(await hostedProject(house, 'shop'))
  const runners = []
  for (const [index, engine] of engines.entries())
    runners.push(stack.use(await startRunner(house, { engine, slots: 1, name: `runner-${index + 1}` })))
  const sha = await clone.push({ '.takt.yml': `jobs:\n${jobs}` })
  const run = async (id = 1) => (await house.ask(`GET /api/v1/runs/${id}`)).body
  const log = async (id = 1) => (await house.ask(`GET /api/v1/runs/${id}/log`)).text
  const is = (state: string, id = 1) =>
    until(async () => {
      const found = await run(id)
      return found.state === state && found
    }, SLOW)
  const say = (verdict: 'approve' | 'reject', body: object = {}, id = 1) =>
    house.ask(`POST /api/v1/gates/${id}/${verdict}`, body)
  return { house, clone, sha, runners, run, log, is, say, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

type Step = { name: string; state: string; kind: string; step: number; attempt: number }
const envOf = ({ url, token }: House) => ({ TAKT_URL: url, TAKT_TOKEN: token })
const drawn = (run: { steps: Step[] }) => run.steps.map(({ name, state }) => `${name} ${state}`)

const LONG = { timeout: 120_000 }

test(
  'a run waits at a gate behind commands without a runner, and goes on with what the form was told',
  LONG,
  async () => {
    await using it = await line(`  ship:
    outputs: [hash]
    steps:
      - { name: build, run: [say built, "put hash=abc"] }
      - approve: { form: { rollout: { choice: ["5", "25"], default: "5" } } }
      - { name: deploy, run: [say to, env INPUT_ROLLOUT] }
    always: { name: tidy, run: say tidied }
  use: { needs: ship, run: [env SHIP_HASH] }
`)
    const held = await it.is('waiting')
    expect(held.ahead).toEqual([{ name: 'deploy', gate: false }])
    expect(held).toMatchObject({ runner: null, attempt: 1, held: 'waits for an approval' })
    expect(drawn(held)).toEqual(['prepare succeeded', 'build succeeded', 'hand over succeeded'])
    expect(held.values).toEqual({ hash: 'abc' })

    await it.say('approve', { values: { rollout: '25' } })
    const over = await it.is('succeeded')
    expect(drawn(over)).toEqual([
      'prepare succeeded',
      'build succeeded',
      'hand over succeeded',
      'prepare succeeded',
      'deploy succeeded',
      'tidy succeeded',
    ])
    expect(over.steps.map(({ step }: Step) => step)).toEqual([0, 1, 2, 3, 4, 5])
    expect(await it.log()).toMatch(/built\n[^]*Handed over[^]*to\n25\n[^]*tidied\n/)
    await it.is('succeeded', 2)
    expect(await it.log(2)).toContain('abc\n')
  },
)

test('a runner with one slot does other work while a run waits at its gate', LONG, async () => {
  await using it = await line(
    '  ship: { steps: [{ run: say one }, { approve: true }, { run: say two }] }\n  other: { run: say other }\n',
  )
  await it.is('waiting')
  await it.is('succeeded', 2)
  expect((await it.run()).state).toBe('waiting')
  await it.say('approve')
  await it.is('succeeded')
})

test('who says no behind commands has the job’s hooks run with what the commands left', LONG, async () => {
  await using it = await line(
    `  ship:
    keep: out
    steps:
      - run: mkdir out; echo built > out/file
      - approve: true
      - run: echo never
    on_failure: cat out/file; echo rolled back
    on_success: echo never
    always: echo tidied
`,
    ['local'],
  )
  await it.is('waiting')
  await it.say('reject', { comment: 'not today' })
  const over = await it.is('failed')
  expect(over.error).toEqual({ code: 'rejected', message: 'rejected by admin: not today' })
  const log = await it.log()
  expect(log).toMatch(/built\nrolled back\n[^]*tidied\n[^]*Kept 2 files/)
  expect(log).not.toContain('never')
})

test('a job without hooks ends at the gate itself, with no runner', LONG, async () => {
  await using it = await line('  ship: { steps: [{ run: say one }, { approve: true }, { run: say two }] }\n')
  await it.is('waiting')
  await it.say('reject')
  expect(drawn(await it.run())).toEqual(['prepare succeeded', 'run succeeded', 'hand over succeeded'])
  expect((await it.run()).state).toBe('failed')
})

test(
  'a run that is cancelled at its gate runs the hooks of that, and one that expires those of a failure',
  LONG,
  async () => {
    await using it = await line(`  ship:
    steps: [{ run: say one }, { approve: true }, { run: say never }]
    on_cancel: say undone
    on_failure: say never
  late:
    steps: [{ run: say one }, { approve: { within: 1s, on_expire: fail } }, { run: say never }]
    on_failure: say too late
`)
    await it.is('waiting')
    await it.house.ask('POST /api/v1/runs/1/cancel')
    await it.is('cancelled')
    expect(await it.log()).toContain('undone\n')
    expect(await it.log()).not.toContain('never')
    const late = await it.is('failed', 2)
    expect(late.error.code).toBe('gate_expired')
    expect(await it.log(2)).toContain('too late\n')
  },
)

test(
  'gates stand one behind the other, at the end, and are passed over where their condition does not hold',
  LONG,
  async () => {
    await using it = await line(`  ship:
    steps:
      - run: say one
      - { approve: true, name: first }
      - { approve: true, name: never, if: $(takt.kind) == "tag" }
      - { run: say two }
      - { approve: true, name: never, if: $(takt.kind) == "tag" }
      - { run: say three }
      - { approve: true, name: last }
    on_success: say done
`)
    await it.is('waiting')
    await it.say('approve')
    const second = await until(async () => {
      const { items } = (await it.house.ask('GET /api/v1/gates?state=waiting')).body
      return items[0]?.name === 'last' && items[0]
    }, SLOW)
    expect(await it.log()).toMatch(/one\n[^]*two\n[^]*three\n/)
    await it.say('approve', {}, second.id)
    await it.is('succeeded')
    expect(await it.log()).toContain('done\n')
  },
)

test(
  'what a step leaves is as it was on another runner: content, modes, links, times, output, state',
  LONG,
  async () => {
    await using it = await line(
      `  ship:
    outputs: [a, b]
    steps:
      - run:
          - printf '\\000\\377 bytes' > 'a file'; printf x > exact; chmod 640 exact; mkdir -p deep/er; chmod 555 deep/er
          - ln -s /etc/hostname away; ln -s ../nothing climbs; ln exact same; touch -d 2001-02-03T04:05:06Z old
          - 'echo a=1 >> "$TAKT_OUTPUT"; echo 1 > "$TAKT_STATE/count"; git rev-parse HEAD > head'
      - approve: true
      - run:
          - stat -c '%n %a %s' 'a file' exact deep/er; readlink away climbs; stat -c %Y old
          - od -An -tx1 'a file'; git status --porcelain --untracked-files=no; [ "$(git rev-parse HEAD)" = "$(cat head)" ]
          - 'echo b=2 >> "$TAKT_OUTPUT"; cat "$TAKT_STATE/count"; echo "$SRC_SHA"; chmod 755 deep/er'
`,
      ['local'],
    )
    await it.is('waiting')
    await it.runners[0]?.kill('SIGKILL')
    await using _ = await startRunner(it.house, { engine: 'local', name: 'other' })
    await it.say('approve')
    const over = await it.is('succeeded')
    expect(over).toMatchObject({ runner: 'other', attempt: 1, values: { a: '1', b: '2' } })
    const log = await it.log()
    for (const words of [
      'a file 644 8\nexact 640 1\ndeep/er 555 ',
      '/etc/hostname\n../nothing\n981173106\n',
      ' 00 ff 20 62 79 74 65 73\n',
      `1\n${it.sha}\n`,
    ])
      expect(log).toContain(words)
  },
)

test('a run begins again from a checkpoint, with the files that it had there', LONG, async () => {
  await using it = await line(
    `  ship:
    outputs: [a]
    steps:
      - run: [echo building, echo built > file, 'echo a=1 >> "$TAKT_OUTPUT"']
      - checkpoint: built
      - run: [cat file, echo spoilt > file, 'test "$TAKT_RUN" != 1']
      - { checkpoint: done, if: $(takt.kind) == "tag" }
`,
    ['local'],
  )
  const restore = (checkpoint: string) => it.house.ask('POST /api/v1/runs/1/restore', { checkpoint })
  const failed = await it.is('failed')
  expect(failed.checkpoints).toMatchObject([{ name: 'built' }])
  expect(drawn(failed).slice(0, 3)).toEqual([
    'prepare succeeded',
    'run succeeded',
    'checkpoint built succeeded',
  ])
  expect(await restore('bilt')).toMatchObject({
    status: 404,
    body: { code: 'files-not-found', detail: 'run 1 has no checkpoint "bilt"; it has built' },
  })
  expect(await restore('built')).toMatchObject({
    status: 201,
    body: { id: 2, retry_of: 1, reason: 'retry of #1 by admin from checkpoint `built`' },
  })
  const again = await it.is('succeeded', 2)
  expect(again.values).toEqual({ a: '1' })
  expect(drawn(again)).toEqual(['prepare succeeded', 'run succeeded', 'checkpoint done skipped'])
  const log = await it.log(2)
  expect(log).toContain('built\n')
  expect(log).not.toMatch(/building|spoilt/)
  const env = envOf(it.house)
  const said = await outcomeOf(startTakt(['restore', '1', 'built', '--json'], { env }))
  expect(JSON.parse(said.out)).toMatchObject({ id: 3, retry_of: 1 })
})

test('who restores a run from behind a gate is asked at that gate again', LONG, async () => {
  await using it = await line(
    '  ship: { steps: [{ run: say one }, { approve: true }, { run: say two }, { checkpoint: c }, { run: fail 3 }] }\n',
  )
  await it.is('waiting')
  expect(await it.house.ask('POST /api/v1/runs/1/restore', { checkpoint: 'c' })).toMatchObject({
    status: 409,
  })
  await it.say('approve')
  await it.is('failed')
  await it.house.ask('POST /api/v1/runs/1/restore', { checkpoint: 'c' })
  await it.is('waiting', 2)
  await it.say('approve', {}, 2)
  await it.is('failed', 2)
  expect(await it.log(2)).not.toMatch(/^(one|two)$/m)
})

test('what is tried again behind a gate goes on from there, and asks nobody twice', LONG, async () => {
  await using it = await line(
    `  ship:
    retry: { max: 1, on: [failed], delay: 1s }
    steps:
      - run: [echo building, echo made > file]
      - approve: true
      - run: [cat file, rm file, 'test "$TAKT_ATTEMPT" = 2']
`,
    ['local'],
  )
  await it.is('waiting')
  await it.say('approve')
  const over = await it.is('succeeded')
  expect(over).toMatchObject({ attempt: 2, ahead: [] })
  // what stands before the gate was done by the first attempt, and is seen as done, with its log
  expect(drawn(over)).toEqual([
    'prepare succeeded',
    'run succeeded',
    'hand over succeeded',
    'prepare succeeded',
    'run succeeded',
  ])
  expect(over.steps.map(({ step, attempt }: Step) => [step, attempt])).toEqual([
    [0, 1],
    [1, 1],
    [2, 1],
    [3, 2],
    [4, 2],
  ])
  expect((await it.log()).match(/building|made/g)).toEqual(['building', 'made'])
  const { lines } = (await it.house.ask('GET /api/v1/runs/1/log?as=json&step=1')).body
  expect(lines.map(({ text }: { text: string }) => text)).toEqual(['building'])
  expect((await it.house.ask('GET /api/v1/runs/1/log/search?q=building')).body.total).toBe(1)
  const first = (await it.house.ask('GET /api/v1/runs/1?attempt=1')).body
  expect(drawn(first)).toEqual([...drawn(over).slice(0, -1), 'run failed'])
  const told = await outcomeOf(startTakt(['logs', '1'], { env: envOf(it.house) }))
  expect(told.out.match(/building|made/g)).toEqual(['building', 'made'])
  expect((await it.house.ask('GET /api/v1/gates')).body.items).toMatchObject([
    { state: 'approved', after_step: 2 },
  ])
})
