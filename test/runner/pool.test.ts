import { describe, expect, test } from 'vitest'
import { judge } from '../../runner/pool/machine.ts'
import { Pool } from '../../runner/pool/pool.ts'
import type { Told } from '../../runner/pool/tidings.ts'

const GIB = 2 ** 30

/** A pool on a machine, and by a clock, in the hands of the test. */
function pool({ least = 2, most = 4, idleMs = 60_000 } = {}) {
  const world = { now: 0, enough: true, asked: 0 }
  const told: Told[] = []
  const slots = new Pool({
    ...{ least, most, idleMs },
    machine: () => ({ enough: world.enough, words: 'much free' }),
    tell: (event) => told.push(event),
    changed: () => world.asked++,
    now: () => world.now,
  })
  /** As many runs come as are asked for, at once, and again each second. */
  const flood = (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      for (let more = slots.room(); more > 0; more--) slots.took()
      world.now += 1_000
    }
  }
  return { slots, world, told, flood }
}

describe('a pool', () => {
  test('begins with the least slots, and asks for so many runs and one more when they are busy', () => {
    const { slots } = pool()
    expect(slots.room()).toBe(2)
    slots.took()
    expect(slots.room()).toBe(1)
    slots.took()
    expect(slots.room()).toBe(1)
    expect(slots.slots).toBe(2)
  })

  test('grows one by one while runs come, never beyond the most, and says why', () => {
    const { slots, told, flood } = pool()
    flood(20)
    expect(slots.slots).toBe(4)
    expect(slots.room()).toBe(0)
    expect(told).toEqual([
      { kind: 'scaled', slots: 3, words: '3 slots: every slot was busy and a run waited; much free' },
      { kind: 'scaled', slots: 4, words: '4 slots: every slot was busy and a run waited; much free' },
    ])
  })

  test('asks for one run more as soon as all that it asked for have come', () => {
    const { slots, world } = pool({ least: 1, most: 3 })
    expect(slots.room()).toBe(1)
    slots.took()
    slots.look()
    expect(world.asked).toBe(1)
  })

  test('does not grow while its machine has no room, and asks as soon as it has', () => {
    const { slots, world, flood } = pool()
    world.enough = false
    flood(5)
    expect(slots.slots).toBe(2)
    world.asked = 0
    slots.look()
    expect(world.asked).toBe(0)
    world.enough = true
    slots.look()
    expect(world.asked).toBe(1)
    expect(slots.room()).toBe(1)
  })

  test('gives up what was not needed for a while, down to the least, and says why', () => {
    const { slots, world, told, flood } = pool()
    flood(5)
    for (let runs = 0; runs < 4; runs++) slots.left()
    world.now += 59_000
    slots.look()
    expect(slots.slots).toBe(4)
    world.now += 1_000
    slots.look()
    expect(slots.slots).toBe(2)
    expect(told.at(-1)).toEqual({
      kind: 'scaled',
      slots: 2,
      words: '2 slots: for 1 min no more were needed',
    })
  })

  test('gives up no slot that is busy', () => {
    const { slots, world, flood } = pool()
    flood(5)
    slots.left()
    world.now += 120_000
    slots.look()
    expect(slots.slots).toBe(3)
    expect(slots.room()).toBe(1)
  })

  test.each([
    ['paused', (slots: Pool) => slots.steer('paused'), (slots: Pool) => slots.steer('active')],
    ['draining', (slots: Pool) => slots.steer('draining'), (slots: Pool) => slots.steer('active')],
    ['in trouble', (slots: Pool) => slots.ail('no engine'), (slots: Pool) => slots.ail(null)],
  ])('that is %s asks for nothing, and asks again when it is over', (_, begin, end) => {
    const { slots, world } = pool()
    slots.took()
    begin(slots)
    expect(slots.room()).toBe(0)
    expect(world.asked).toBe(1)
    end(slots)
    expect(world.asked).toBe(2)
    expect(slots.room()).toBe(1)
  })

  test('of one size never changes it', () => {
    const { slots, told, flood } = pool({ least: 3, most: 3 })
    flood(10)
    expect(slots.slots).toBe(3)
    expect(told).toEqual([])
  })
})

describe('a machine has room for one run more', () => {
  test.each([
    ['with memory and processors to spare', { freeBytes: 4 * GIB, totalBytes: 8 * GIB, busy: 0.5 }, true],
    ['not with less than half a GiB', { freeBytes: 0.4 * GIB, totalBytes: 1 * GIB, busy: 0 }, false],
    ['not with less than a tenth', { freeBytes: 5 * GIB, totalBytes: 64 * GIB, busy: 0 }, false],
    ['not with processors that are busy', { freeBytes: 4 * GIB, totalBytes: 8 * GIB, busy: 0.95 }, false],
  ])('%s', (_, machine, enough) => {
    expect(judge(machine).enough).toBe(enough)
  })
})
