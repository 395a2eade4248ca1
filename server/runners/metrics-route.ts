import { Hono } from 'hono'
import { identify } from '../access/authenticate.ts'
import { accessOf, seesAll } from '../access/grants.ts'
import { maintenanceOf } from '../catalog/maintenance.ts'
import type { Db } from '../db/connect.ts'
import type { Metrics } from '../http/metrics.ts'
import { Problem } from '../problem.ts'

/** What the database knows, however many servers there are. */
export function countRuns(metrics: Metrics, db: Db): void {
  metrics.gauge('takt_runs', 'Runs that have not ended, by state', async () => {
    const rows = await db
      .selectFrom('runs')
      .select((eb) => ['state', eb.fn.countAll<number>().as('value')])
      .where('state', 'in', ['queued', 'running', 'waiting'])
      .groupBy('state')
      .execute()
    const known = new Map(rows.map(({ state, value }) => [state as string, value]))
    return ['queued', 'running', 'waiting'].map((state) => ({
      labels: { state },
      value: known.get(state) ?? 0,
    }))
  })
}

/** Whether nothing begins: what an alert about a queue that grows asks first. */
export function tellMaintenance(metrics: Metrics, db: Db): void {
  metrics.gauge('takt_maintenance', 'Whether the whole server is in maintenance: 1 or 0', async () => [
    { labels: {}, value: (await maintenanceOf(db)) ? 1 : 0 },
  ])
}

/** `/metrics`, for who sees the whole server: its numbers are of all organizations. */
export const metricsRoute = ({ db, metrics }: { db: Db; metrics: Metrics }) =>
  new Hono().get('/', async (c) => {
    const { authorization, cookie } = c.req.header()
    const who = await identify(db, { authorization, cookie })
    if (!who)
      throw new Problem(
        'not-signed-in',
        'send the token of an admin of the server; the role viewer is enough for it',
      )
    if (!seesAll(await accessOf(db, who)))
      throw new Problem('not-allowed', 'these numbers are of all organizations: this needs an admin’s token')
    return c.body(await metrics.text(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
  })
