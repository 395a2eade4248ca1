import type { Pipeline, Run, RunStep } from '../../ui/lib/api.ts'
import { FakeWorld } from './fake-world.ts'

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()
const hex = (seed: number) =>
  Array.from({ length: 40 }, (_, at) => ((seed * 7 + at * 5 + (seed >> (at % 5))) % 16).toString(16)).join('')

type JobPlan = {
  readonly name: string
  readonly needs?: readonly string[]
  readonly gets?: readonly string[]
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
  const resources = [...new Set(['src', ...jobs.flatMap((job) => job.gets ?? [])])]
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
        created_at: minutesAgo(3),
      },
    })),
    jobs: jobs.map((job) => ({
      name: job.name,
      gets: (job.gets ?? (job.needs ? [] : ['src'])).map((resource) => ({ resource, trigger: true })),
      needs: (job.needs ?? []).map((need) => ({ job: need, trigger: !job.loose })),
      image: 'node:22',
      last_run: null,
      waiting: null,
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
      repository,
      pipelines: [],
      clone: repository.url,
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
    name,
    state: 'queued',
    exit_code: null,
    lines: 0,
    bytes: 0,
    commands: commands.map(command),
    started_at: null,
    ended_at: null,
  }
}

export const stepsOf = (commands: readonly string[]): RunStep[] => [
  stepOf(0, 'prepare', []),
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

/** A house in full swing: a diamond of twelve jobs under way, red and violet runs, a broken file, deliveries. */
export function fullWorld(): FakeWorld {
  const world = new FakeWorld()
  const shop = addLine(world, SHOP)
  for (let round = 6; round > 0; round--) {
    pastRun(world, shop, 'build', {
      state: round === 4 ? 'failed' : 'succeeded',
      minutes: round * 47,
      tookS: 60 + ((round * 37) % 50),
    })
    pastRun(world, shop, 'unit', { state: 'succeeded', minutes: round * 46, tookS: 30 + ((round * 71) % 90) })
  }
  for (const job of ['lint', 'build', 'types'])
    pastRun(world, shop, job, { state: 'succeeded', minutes: 3, tookS: job === 'build' ? 71 : 24 })
  pastRun(world, shop, 'browser', { state: 'errored', minutes: 1.5, tookS: 9 })
  for (const job of ['unit', 'integration']) {
    const run = world.addRun(shop, job, { steps: stepsOf(['npm ci', 'npm test']) })
    if (job === 'integration') continue
    world.move(run, 'running')
    world.step(run, 0, 'succeeded', 0)
    world.step(run, 1, 'running')
    world.command(run, { step: 1, command: 0 }, 'running')
  }
  for (const job of shop.jobs)
    if (!job.last_run)
      job.waiting = `waits for ${job.needs.map((need) => `\`${need.job}\``).join(' and ')} on \`${shop.resources[0]?.newest?.name.slice(0, 6)}\``
  const infra = addLine(world, {
    project: 'infra',
    name: 'deploy',
    title: 'Give staging its own database',
    author: 'Grace Hopper',
    jobs: [{ name: 'plan' }, { name: 'apply', needs: ['plan'] }],
  })
  pastRun(world, infra, 'plan', { state: 'succeeded', minutes: 200, tookS: 14 })
  pastRun(world, infra, 'apply', { state: 'failed', minutes: 199, tookS: 133 })
  const bare = pastRun(world, infra, 'plan', { state: 'succeeded', minutes: 30, tookS: 15 })
  Object.assign(bare, { isolated: false, runner: 'laptop', outputs: { plan_hash: '9f2c41' } })
  const docs = addLine(world, {
    project: 'shop',
    name: 'docs',
    title: 'Explain lanes',
    author: 'Barbara Liskov',
    jobs: [{ name: 'site' }],
  })
  pastRun(world, docs, 'site', { state: 'succeeded', minutes: 1_500, tookS: 41 })
  breakFile(docs)
  addLine(world, { project: 'shop', name: 'nightly', jobs: [{ name: 'fuzz' }] })
  addDeliveries(world)
  world.server = { ...world.server, runners: world.server.runners.map((runner) => ({ ...runner, busy: 1 })) }
  return world
}

export function breakFile(line: Pipeline): void {
  const source = 'jobs:\n  site:\n    image: node:22\n    neds: build\n    run: [npm ci, npm run site]\n'
  const diagnostics = [
    {
      severity: 'error' as const,
      rule: 'unknown-key',
      message: '`neds` is not a key of a job',
      line: 4,
      column: 5,
      hint: 'did you mean `needs`?',
    },
    {
      severity: 'warning' as const,
      rule: 'floating-tag',
      message: '`node:22` is a tag that moves',
      line: 3,
      column: 12,
      hint: 'pin it by digest to get the same image each time',
    },
  ]
  line.newest_revision = { id: 77, sha: hex(9), valid: false, source, diagnostics, created_at: minutesAgo(8) }
}

function addDeliveries(world: FakeWorld): void {
  const add = (given: Partial<FakeWorld['deliveries'][number]>) =>
    world.deliveries.push({
      id: world.deliveries.length + 1,
      source: 'github',
      event: 'push',
      project: 'shop',
      state: 'processed',
      reason: null,
      received_at: minutesAgo(60 - world.deliveries.length * 7),
      processed_at: minutesAgo(2),
      ...given,
    })
  add({ event: 'ping', project: null, state: 'ignored', reason: 'a ping changes nothing' })
  add({ reason: 'recorded `a1b2c3d` on lane `main`' })
  add({
    state: 'ignored',
    reason: '`triggers.push` does not match `wip/cart`: the pipeline listens to main, release/*',
  })
  add({ source: 'git', reason: 'recorded `9f2c41b` on lane `main`' })
  add({
    source: 'hosted',
    state: 'failed',
    reason: 'the repository https://git.acme.io/gone.git could not be read: 404',
  })
  add({ state: 'received', processed_at: null })
}
