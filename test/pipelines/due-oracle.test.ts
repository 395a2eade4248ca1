import fc from 'fast-check'
import { expect, test } from 'vitest'
import { due } from '#pipelines/plan/due.ts'
import { compareRanks, type Taken } from '#pipelines/plan/rank.ts'
import type { GreenFact, NeedFact, Snapshot, VersionFact } from '#pipelines/plan/snapshot.ts'
import type { RunId, VersionId } from '#pipelines/ids.ts'

const RESOURCES = ['src', 'infra', 'image'] as const
const versionOf = (resource: number, seq: number): VersionFact => ({
  id: (resource * 1_000 + seq) as VersionId,
  seq,
  name: `${RESOURCES[resource]}-${seq}`,
})

const newestFirst = (a: GreenFact, b: GreenFact) =>
  RESOURCES.map((name) => (b.versions[name]?.seq ?? 0) - (a.versions[name]?.seq ?? 0)).find(
    (gap) => gap !== 0,
  ) ?? 0

/** Random small worlds: up to three resources and three needs, each need carrying some of the resources through a few green runs. */
const worlds = fc
  .record({
    versions: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
    own: fc.array(fc.record({ watched: fc.boolean(), trigger: fc.boolean() }), {
      minLength: 3,
      maxLength: 3,
    }),
    needs: fc.array(
      fc.record({
        carries: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
        greens: fc.array(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 3, maxLength: 3 }), {
          maxLength: 5,
        }),
      }),
      { maxLength: 3 },
    ),
    taken: fc.option(fc.record({ src: fc.nat(4), infra: fc.nat(4) })),
  })
  .map(({ versions, own, needs, taken }): Snapshot => {
    const carriedBy = (resource: number) =>
      needs.flatMap((need, index) => (need.carries[resource] ? [`job${index}`] : []))
    const inputs = versions.flatMap((count, resource) => {
      const via = carriedBy(resource)
      const { watched, trigger } = own[resource]!
      if (via.length === 0 && !watched) return []
      const all = Array.from({ length: count }, (_, index) => versionOf(resource, count - index))
      return [{ resource: RESOURCES[resource]!, trigger: via.length === 0 && trigger, via, versions: all }]
    })
    const facts = needs.map((need, index): NeedFact => {
      const greens = need.greens.map((seqs, run): GreenFact => {
        const held = versions.flatMap((count, resource) =>
          need.carries[resource]
            ? [[RESOURCES[resource]!, versionOf(resource, Math.min(seqs[resource]!, count))] as const]
            : [],
        )
        return { run: (index * 100 + run + 1) as RunId, versions: Object.fromEntries(held) }
      })
      return { job: `job${index}`, trigger: true, greens: greens.toSorted(newestFirst), newest: null }
    })
    return { job: 'job', inputs, needs: facts, taken }
  })

/** Try every choice of one version per input, and keep those that every need has a green run for: slow, and plainly right. */
function agreedByForce(snapshot: Snapshot): Taken[] {
  let choices: VersionFact[][] = [[]]
  for (const input of snapshot.inputs)
    choices = choices.flatMap((chosen) => input.versions.map((version) => [...chosen, version]))
  const holds = (chosen: VersionFact[]) =>
    snapshot.needs.every((need) =>
      need.greens.some((green) =>
        snapshot.inputs.every(
          (input, index) =>
            !input.via.includes(need.job) || green.versions[input.resource]?.id === chosen[index]!.id,
        ),
      ),
    )
  return choices
    .filter(holds)
    .map((chosen) =>
      Object.fromEntries(snapshot.inputs.map((input, index) => [input.resource, chosen[index]!.seq])),
    )
}

const newer = (snapshot: Snapshot, seqs: Taken, than: Taken | null) =>
  compareRanks({ inputs: [], seqs }, than, snapshot.inputs) > 0
const key = (snapshot: Snapshot, seqs: Taken) => snapshot.inputs.map((input) => seqs[input.resource]).join()

test('what the planner calls due is agreed, newer than all before it, and new in something that triggers', () => {
  fc.assert(
    fc.property(worlds, (snapshot) => {
      const agreed = agreedByForce(snapshot).map((seqs) => key(snapshot, seqs))
      let before = snapshot.taken
      for (const run of due(snapshot).due) {
        const seqs = Object.fromEntries(run.inputs.map((input) => [input.resource, input.version.seq]))
        expect(agreed).toContain(key(snapshot, seqs))
        expect(newer(snapshot, seqs, before)).toBe(true)
        const triggered = snapshot.inputs.some(
          (input) =>
            (input.trigger || input.via.length > 0) &&
            seqs[input.resource]! > (before?.[input.resource] ?? 0),
        )
        expect(triggered).toBe(true)
        before = seqs
      }
    }),
    { numRuns: 3_000 },
  )
})

test('with everything vouched for, the newest agreed set is never missed', () => {
  fc.assert(
    fc.property(worlds, (snapshot) => {
      fc.pre(snapshot.inputs.length > 0 && snapshot.inputs.every((input) => input.via.length > 0))
      const [newest] = agreedByForce(snapshot).toSorted((a, b) => (newer(snapshot, a, b) ? -1 : 1))
      const last = due(snapshot).due.at(-1)
      const reached: Taken | null = last
        ? Object.fromEntries(last.inputs.map((input) => [input.resource, input.version.seq]))
        : snapshot.taken
      if (newest && newer(snapshot, newest, reached)) {
        // a newer set may only be passed over when nothing in it is newer than what was taken, input by input
        expect(
          snapshot.inputs.every((input) => newest[input.resource]! <= (reached?.[input.resource] ?? 0)),
        ).toBe(true)
      }
    }),
    { numRuns: 3_000 },
  )
})
