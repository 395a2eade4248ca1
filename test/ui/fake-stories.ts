import type { Pipeline, Run, RunStep } from '../../ui/lib/api.ts'
import type { FakeWorld } from './fake-world.ts'

export const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()
export const hex = (seed: number) =>
  Array.from({ length: 40 }, (_, at) => ((seed * 7 + at * 5 + (seed >> (at % 5))) % 16).toString(16)).join('')

export type JobPlan = {
  readonly name: string
  readonly needs?: readonly string[]
  readonly gets?: readonly string[]
  readonly puts?: readonly string[]
  readonly loose?: boolean
}
type LinePlan = {
  readonly project: string
  readonly name: string
  readonly jobs: readonly JobPlan[]
  readonly title?: string
  readonly author?: string
}

export function addLine(world: FakeWorld, { project, name, jobs, title, author }: LinePlan): Pipeline {
  const resources = [
    ...new Set(['src', ...jobs.flatMap((job) => [...(job.gets ?? []), ...(job.puts ?? [])])]),
  ]
  const revision = {
    id: world.lines.length + 1,
    sha: hex(3),
    valid: true,
    source: 'jobs: {}',
    diagnostics: [],
    created_at: minutesAgo(90),
  }
  const line: Pipeline = {
    project,
    name,
    role: 'admin',
    paused: null,
    removed: null,
    path: name === 'main' ? '.takt.yml' : `.takt/${name}.yml`,
    lane: 'main',
    lanes: [
      { name: 'main', touched_at: minutesAgo(2), closed: false },
      { name: 'release/2.4', touched_at: minutesAgo(900), closed: false },
      { name: 'tag/v2.3.0', touched_at: minutesAgo(9_000), closed: true },
    ],
    revision,
    newest_revision: revision,
    resources: resources.map((resource, at) => ({
      name: resource,
      kind: 'git',
      repository: `https://git.acme.io/${resource === 'src' ? project : resource}.git`,
      branch: 'main',
      check: null,
      upstream: null,
      paused: null,
      pinned: null,
      newest: {
        name: hex(11 + at + world.lines.length),
        title:
          title ??
          [
            'Charge the card only after stock is reserved',
            'Pin the base image',
            'Raise the memory of staging',
          ][at % 3] ??
          null,
        author: author ?? 'Ada Lovelace',
        ref: 'refs/heads/main',
        forced: false,
        created_at: minutesAgo(3),
      },
    })),
    jobs: jobs.map((job) => ({
      name: job.name,
      gets: (job.gets ?? (job.needs ? [] : ['src'])).map((resource) => ({ resource, trigger: true })),
      needs: (job.needs ?? []).map((need) => ({ job: need, trigger: !job.loose })),
      puts: [...(job.puts ?? [])],
      image: 'node:22',
      inputs: [],
      last_run: null,
      legs: [],
      waiting: null,
      paused: null,
    })),
  }
  world.lines.push(line)
  if (!world.projects.some((known) => known.name === project)) {
    const repository = {
      kind: 'hosted' as const,
      url: `http://127.0.0.1:8080/git/${project}.git`,
      default_branch: 'main',
    }
    world.projects.push({
      name: project,
      organization: 'default',
      public: false,
      repository,
      pipelines: [],
      clone: repository.url,
      role: 'admin',
      created_at: minutesAgo(9_000),
    })
  }
  world.projects.find((known) => known.name === project)?.pipelines.push(name)
  return line
}

export const SHOP: LinePlan = {
  project: 'shop',
  name: 'main',
  jobs: [
    { name: 'lint' },
    { name: 'build' },
    { name: 'unit', needs: ['build'] },
    { name: 'types', needs: ['build'] },
    { name: 'integration', needs: ['build'] },
    { name: 'browser', needs: ['build'] },
    { name: 'image', needs: ['lint', 'unit', 'types', 'integration', 'browser'] },
    { name: 'scan', needs: ['image'] },
    { name: 'staging', needs: ['image'], gets: ['infra'] },
    { name: 'smoke', needs: ['staging'] },
    { name: 'load', needs: ['staging'], loose: true },
    { name: 'production', needs: ['smoke', 'load', 'scan'] },
  ],
}

export function stepOf(step: number, name: string, commands: readonly string[]): RunStep {
  const command = (text: string, at: number) => ({
    command: at,
    text,
    state: 'queued' as const,
    exit_code: null,
    first_line: null,
    started_at: null,
    ended_at: null,
  })
  return {
    step,
    attempt: 1,
    name,
    state: 'queued',
    kind: 'run',
    parent: null,
    hook: null,
    tries: 1,
    allowed: false,
    reason: null,
    exit_code: null,
    lines: 0,
    bytes: 0,
    commands: commands.map(command),
    started_at: null,
    ended_at: null,
  }
}

export const stepsOf = (commands: readonly string[]): RunStep[] => [
  { ...stepOf(0, 'prepare', []), kind: 'prepare' },
  stepOf(1, 'run', commands),
]

/** A run that is over, with times in the past and a plausible log. */
export function pastRun(
  world: FakeWorld,
  line: Pipeline,
  job: string,
  given: { state: Run['state']; minutes: number; tookS: number },
): Run {
  const run = world.addRun(line, job, { steps: stepsOf(['npm ci', 'npm test']) })
  world.move(run, 'running')
  play(world, run, given.state === 'failed')
  world.move(run, given.state)
  const started = Date.now() - given.minutes * 60_000
  const at = (s: number) => new Date(started + s * 1_000).toISOString()
  Object.assign(run, { created_at: at(-2), started_at: at(0), ended_at: at(given.tookS) })
  for (const step of run.steps) {
    Object.assign(
      step,
      step.step === 0
        ? { started_at: at(0), ended_at: at(2) }
        : { started_at: at(2), ended_at: at(given.tookS) },
    )
    step.commands.forEach((command, index) => {
      if (command.started_at)
        Object.assign(command, { started_at: at(2 + index * 4), ended_at: at(index === 0 ? 6 : given.tookS) })
    })
  }
  if (given.state === 'failed') run.error = { code: 'exit', message: '`npm test` ended with exit code 1' }
  if (given.state === 'errored')
    run.error = {
      code: 'image-not-found',
      message: 'The image `node:22-alpne` does not exist at the registry',
    }
  return run
}

function play(world: FakeWorld, run: Run, isRed: boolean): void {
  world.step(run, 0, 'running')
  world.print(run, { step: 0, text: 'Pulling \u001b[1mnode:22\u001b[0m\nCloning main at a1b2c3d\n' })
  world.step(run, 0, 'succeeded', 0)
  world.step(run, 1, 'running')
  world.command(run, { step: 1, command: 0 }, 'running')
  world.print(run, {
    step: 1,
    text: '\u001b[2mresolving\u001b[0m 10%\rresolving 60%\rresolving 100%\n\u001b[32madded 412 packages\u001b[0m in 4s\n',
  })
  world.command(run, { step: 1, command: 0 }, 'succeeded', 0)
  world.command(run, { step: 1, command: 1 }, 'running')
  for (let at = 1; at <= 24; at++) world.print(run, { step: 1, text: testLine(at, isRed && at === 17) })
  if (isRed) world.print(run, { step: 1, text: DIFF })
  world.print(run, {
    step: 1,
    text: isRed
      ? '\n\u001b[41;97m FAIL \u001b[0m \u001b[31m1 failed\u001b[0m, 23 passed (24)\n'
      : '\n\u001b[42;30m PASS \u001b[0m 24 passed (24)\n',
  })
  world.command(run, { step: 1, command: 1 }, isRed ? 'failed' : 'succeeded', isRed ? 1 : 0)
  world.step(run, 1, isRed ? 'failed' : 'succeeded', isRed ? 1 : 0)
}

export const testLine = (at: number, isRed = false): string =>
  isRed
    ? `\u001b[31m✗\u001b[0m cart/reserve.test.ts \u001b[2m(${at} tests)\u001b[0m \u001b[33m${at * 13} ms\u001b[0m\n`
    : `\u001b[32m✓\u001b[0m cart/case-${at}.test.ts \u001b[2m(${(at * 7) % 11} tests)\u001b[0m \u001b[38;5;244m${(at * 37) % 190} ms\u001b[0m\n`

const DIFF = `
  \u001b[1;31mAssertionError\u001b[0m: expected \u001b[32m"reserved"\u001b[0m to equal \u001b[31m"charged"\u001b[0m
    \u001b[36mat\u001b[0m Cart.checkout (\u001b[4mcart/reserve.ts:41:17\u001b[0m)
    see \u001b]8;;https://docs.acme.io/cart\u0007the rule\u001b]8;;\u0007
`
