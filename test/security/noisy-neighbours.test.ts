import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Trx } from '../../server/db/connect.ts'
import { claimDue } from '../../server/checks/due.ts'
import { takeDirty, type Turn } from '../../server/scheduler/marks.ts'
import { hostedProject } from '../support/repository.ts'
import { type House } from '../support/server.ts'
import { steeredLine } from '../support/steer.ts'

// Deliveries by turns: test/server/turns.test.ts; runs go to whom has the fewest: test/server/labels.test.ts.

/** Looks at something nobody else is to see: what is done in there is taken back. */
async function unseen<Found>(house: House, does: (tx: Trx) => Promise<Found>): Promise<Found> {
  const found: { it?: Found } = {}
  const over = new Error('over')
  await house.db
    .transaction()
    .execute(async (tx) => {
      found.it = await does(tx)
      throw over
    })
    .catch((error: unknown) => {
      if (error !== over) throw error
    })
  return found.it as Found
}

const NAMES = Array.from({ length: 12 }, (_, at) => `r${at}`)
const NOISY = `
resources: { ${NAMES.map((name) => `${name}: { git: "https://git.example.invalid/noisy/${name}.git" }`).join(', ')} }
jobs: { ${NAMES.map((name) => `j${name}: { get: ${name}, run: x }`).join(', ')} }
`
const QUIET = `
resources: { lib: { git: "https://git.example.invalid/quiet.git" } }
jobs: { test: { get: lib, run: x } }
`

/** A project in which everything happens at once, and one that came after it and has one job. */
async function neighbours() {
  const stack = new AsyncDisposableStack()
  const noisy = stack.use(await steeredLine(NOISY))
  const quiet = stack.use(await hostedProject(noisy.house, 'quiet'))
  await noisy.push()
  await quiet.push({ '.takt.yml': QUIET })
  await noisy.quiet()
  return { ...noisy, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('of one project not more than its share is looked for outside, and who has nothing under way comes first', async () => {
  await using it = await neighbours()
  const names = async (tx: Trx, ids: readonly number[]) => {
    const { rows } = await sql<{ project: string }>`
      select projects.name as project from resources join pipelines on pipelines.id = resources.pipeline_id
      join projects on projects.id = pipelines.project_id where check_id = any(${ids}::bigint[])`.execute(tx)
    return rows.map(({ project }) => project).toSorted()
  }
  const [first, second] = await unseen(it.house, async (tx) => {
    await sql`update checks set lease_until = null, lease_token = null,
      due_at = now() - interval '1 hour' + id * interval '1 second' where kind = 'git'`.execute(tx)
    const claim = async () => {
      const due = await claimDue(tx, { kinds: ['git'], most: 8, mostOfOne: 4 })
      return names(
        tx,
        due.map(({ id }) => id),
      )
    }
    return [await claim(), await claim()]
  })
  expect(first).toEqual(['quiet', 'shop', 'shop', 'shop', 'shop'])
  expect(second).toEqual([])
})

test('projects are planned by turns: whoever has one job to look at does not wait for one that has twelve', async () => {
  await using it = await neighbours()
  const order = await unseen(it.house, async (tx) => {
    await sql`insert into dirty_jobs (job_id, lane_id, requested, served)
      select jobs.id, lanes.id, 1, 0 from jobs join lanes using (pipeline_id)
      on conflict (job_id, lane_id) do update set requested = dirty_jobs.served + 1`.execute(tx)
    const turn: Turn = { after: null }
    const taken: number[] = []
    for (;;) {
      const mark = await takeDirty(tx, turn)
      if (!mark) return taken
      taken.push(turn.after ?? 0)
      await sql`update dirty_jobs set served = requested where job_id = ${mark.job_id} and lane_id = ${mark.lane_id}`.execute(
        tx,
      )
    }
  })
  const [noisy, quiet] = [Math.min(...order), Math.max(...order)]
  expect(order).toHaveLength(13)
  expect(order.slice(0, 3)).toEqual([noisy, quiet, noisy])
})
