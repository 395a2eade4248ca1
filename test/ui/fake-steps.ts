import type { Pipeline, Run, RunStep } from '../../ui/lib/api.ts'
import { minutesAgo, stepOf } from './fake-stories.ts'
import type { FakeWorld } from './fake-world.ts'

type Given = Partial<RunStep> & { readonly name: string; readonly commands?: RunStep['commands'] }

/** A step that is over, a second or two long. */
export const stepWith = (step: number, { name, ...given }: Given): RunStep => {
  const times = { started_at: minutesAgo(5), ended_at: minutesAgo(4.9) }
  return {
    ...stepOf(step, name, []),
    state: 'succeeded',
    ...(given.state === 'skipped' || given.state === 'queued' ? {} : times),
    ...given,
  }
}

const ran = (text: string, state: RunStep['state'] = 'succeeded', exit: number | null = 0) => [
  {
    ...{ command: 0, text, state, exit_code: exit, first_line: 0 },
    ...{ started_at: minutesAgo(5), ended_at: minutesAgo(4.9) },
  },
]

/** Everything that a tree of steps can hold: groups, hooks, services, tries, a failure that may be, what was passed over. */
export const treeSteps = (): RunStep[] => [
  stepWith(0, { name: 'prepare', kind: 'prepare' }),
  stepWith(1, { name: 'install', commands: ran('npm ci') }),
  stepWith(2, { name: 'checks', kind: 'group', state: 'failed' }),
  stepWith(3, {
    name: 'audit',
    parent: 2,
    state: 'failed',
    allowed: true,
    exit_code: 1,
    commands: ran('npm audit', 'failed', 1),
  }),
  stepWith(4, { name: 'browsers', parent: 2, tries: 3, commands: ran('npm run browsers') }),
  stepWith(5, { name: 'inner', kind: 'group', parent: 2, state: 'failed' }),
  stepWith(6, {
    name: 'unit',
    parent: 5,
    state: 'failed',
    exit_code: 2,
    commands: ran('npm test', 'failed', 2),
  }),
  stepWith(7, { name: 'screenshots', parent: 6, hook: 'on_failure', commands: ran('npm run shots') }),
  stepWith(8, {
    name: 'cheer',
    parent: 6,
    hook: 'on_success',
    state: 'skipped',
    reason: 'its step failed',
  }),
  stepWith(9, {
    name: 'publish a preview of the documentation',
    state: 'skipped',
    reason: '`$(src.branch)` is not `main`, and only what is merged is published for everybody to read',
  }),
  stepWith(10, { name: 'image', kind: 'put', state: 'skipped', reason: 'the step `checks` failed' }),
  stepWith(11, { name: 'clean up', hook: 'always', commands: ran('make clean') }),
  stepWith(12, { name: 'notify', hook: 'on_success', state: 'skipped', reason: 'the job failed' }),
  stepWith(13, { name: 'postgres', kind: 'service' }),
  stepWith(14, { name: 'redis', kind: 'service' }),
  stepWith(15, { name: 'finish', kind: 'finish' }),
]

/** A red run with such a tree, and something said in it. */
export function treeRun(world: FakeWorld, line: Pipeline, job: string): Run {
  const run = world.addRun(line, job, { steps: treeSteps() })
  world.move(run, 'running')
  const say = (step: number, text: string) => world.print(run, { step, text })
  say(1, 'added 412 packages in 4s\n')
  say(3, '2 vulnerabilities of moderate severity\n')
  say(6, 'cart/reserve.test.ts: expected "reserved", got "charged"\n')
  say(7, 'wrote shots/reserve.png\n')
  say(11, 'removed build/\n')
  say(13, 'database system is ready to accept connections\n')
  run.error = { code: 'exit', message: '`npm test` ended with exit code 2' }
  world.move(run, 'failed')
  return run
}
