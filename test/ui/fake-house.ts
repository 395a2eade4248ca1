import type { Pipeline } from '../../ui/lib/api.ts'
import { FULL } from './fake-reports.ts'
import { gatedRun } from './fake-gates.ts'
import { openTerminal } from './fake-terminals.ts'
import { treeRun } from './fake-steps.ts'
import { addLine, hex, minutesAgo, pastRun, SHOP, stepsOf } from './fake-stories.ts'
import { decideMuch } from './fake-standings.ts'
import { MANY_RUNNERS } from './fake-runners.ts'
import { FakeWorld } from './fake-world.ts'

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
  for (const job of ['lint', 'build'])
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
  decideMuch(world, shop)
  const infra = addLine(world, {
    project: 'infra',
    name: 'deploy',
    title: 'Give staging its own database',
    author: 'Grace Hopper',
    jobs: [{ name: 'plan' }, { name: 'apply', needs: ['plan'] }, { name: 'announce', needs: ['apply'] }],
  })
  pastRun(world, infra, 'plan', { state: 'succeeded', minutes: 200, tookS: 14 })
  pastRun(world, infra, 'apply', { state: 'failed', minutes: 199, tookS: 133 })
  const bare = pastRun(world, infra, 'plan', { state: 'succeeded', minutes: 30, tookS: 15 })
  Object.assign(bare, { isolated: false, runner: 'laptop', outputs: { plan_hash: '9f2c41' } })
  gatedRun(world, infra, 'announce')
  const docs = addLine(world, {
    project: 'shop',
    name: 'docs',
    title: 'Explain lanes',
    author: 'Barbara Liskov',
    jobs: [{ name: 'site' }],
  })
  Object.assign(pastRun(world, docs, 'site', { state: 'succeeded', minutes: 1_500, tookS: 41 }), {
    allowed: true,
  })
  breakFile(docs)
  const nightly = addLine(world, { project: 'shop', name: 'nightly', jobs: [{ name: 'fuzz' }] })
  const looked = treeRun(world, nightly, 'fuzz')
  world.reports.set(looked.id, FULL)
  world.tested.add('fuzz')
  Object.assign(looked, {
    values: { version: 'v1.4.2' },
    usage: { peak_memory_bytes: 326_000_000, cpu_ms: 73_000 },
    hold: { until: minutesAgo(-29), ending: false },
  })
  openTerminal(world, looked, {
    command: ['cat', 'shots/reserve.png'],
    opened_at: minutesAgo(4.95),
    closed_at: minutesAgo(4.9),
  })
  addDeliveries(world)
  world.server = { ...world.server, runners: [...MANY_RUNNERS] }
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
      about: null,
      project: 'shop',
      state: 'processed',
      reason: null,
      replays: 0,
      payload_removed_at: null,
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
  add({
    ...{ source: 'gitlab', event: 'merge_request', state: 'refused', about: 'pr/7 d4e5f60 Pay by card' },
    reason: 'it speaks of the repository https://git.acme.io/other.git, and the secret is that of `shop`',
  })
  add({ source: 'events', event: 'tracker', about: 'msg_7', reason: 'shop/main: ticket', replays: 1 })
  add({ state: 'received', processed_at: null })
}
