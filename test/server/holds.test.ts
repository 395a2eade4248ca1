import { expect, test } from 'vitest'
import { withWork } from '../support/hand.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

test('a kept container whose time is over is let go by nobody any more, and forgotten', async () => {
  await using house = await startHouse()
  const { runner } = await withWork(house)
  await using _ = runner
  runner.report(1, { kind: 'run.ended', move: 'fail', error: null, exitCode: 1 })
  runner.say({ say: 'holding', runs: [{ run: 1, leftMs: 60_000 }] })
  await until(async () => (await house.ask('GET /api/v1/runs/1')).body.hold)
  await house.db
    .updateTable('run_holds')
    .set({ until: new Date(Date.now() - 1_000) })
    .execute()
  expect(await house.ask('POST /api/v1/runs/1/hold/end')).toMatchObject({
    status: 409,
    body: { code: 'not-held' },
  })
  await house.restart()
  await until(async () => (await house.db.selectFrom('run_holds').select('run_id').execute()).length === 0)
})
