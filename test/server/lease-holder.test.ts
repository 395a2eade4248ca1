import { expect, test } from 'vitest'
import { leaseHolder, lockLeaseHolder } from '../../server/runs/lease-holder.ts'
import { transact } from '../../server/db/transact.ts'
import { withWork } from '../support/hand.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

test('the lease of a running run holds it; nothing else does', async () => {
  await using house = await startHouse()
  const { runner, lease } = await withWork(house)
  await using _ = runner
  const good = { run: '1', authorization: `Bearer ${lease}` }
  expect(await leaseHolder(house.db, good)).toMatchObject({ id: 1, job: 'test', lane: 'main' })
  expect(await transact(house.db, (tx) => lockLeaseHolder(tx.db, good))).toMatchObject({ id: 1 })
  for (const bad of [
    { ...good, authorization: undefined },
    { ...good, authorization: 'Bearer a-lease-of-nothing-at-all' },
    { ...good, authorization: `Bearer ${house.token}` },
    { ...good, authorization: `Basic ${lease}` },
    { ...good, run: '2' },
    { ...good, run: '1; drop' },
    { ...good, run: '' },
  ]) {
    await expect(leaseHolder(house.db, bad)).rejects.toMatchObject({ code: 'stale-lease' })
    const locked = transact(house.db, (tx) => lockLeaseHolder(tx.db, bad))
    await expect(locked).rejects.toMatchObject({ code: 'stale-lease' })
  }
})

test('a lease ends with its run', async () => {
  await using house = await startHouse()
  const { runner, lease } = await withWork(house)
  await using _ = runner
  runner.report(1, { kind: 'run.ended', move: 'succeed', error: null, exitCode: null })
  await until(async () => (await house.ask('GET /api/v1/runs/1')).body.state === 'succeeded')
  const late = { run: '1', authorization: `Bearer ${lease}` }
  await expect(leaseHolder(house.db, late)).rejects.toMatchObject({ code: 'stale-lease' })
})
