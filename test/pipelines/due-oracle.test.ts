import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareRanks, due } from '#pipelines/plan/due.ts'
import type { GreenFact, NeedFact, Snapshot, VersionFact } from '#pipelines/plan/snapshot.ts'
import type { RunId, VersionId } from '#pipelines/ids.ts'

const RESOURCES = ['src', 'infra', 'image'] as const
const versionOf = (resource: number, seq: number): VersionFact => ({
  id: (resource * 1_000 + seq) as VersionId,
  seq,
  name: `${RESOURCES[resource]}-${seq}`,
})

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
    taken: fc.option(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 3, maxLength: 3 })),
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
      return { job: `job${index}`, trigger: true, greens, newest: null }
    })
    return { job: 'job', inputs, needs: facts, taken: taken?.slice(0, inputs.length) ?? null }
  })

/** Try every choice of one version per input, and keep those that every need has a green run for: slow, and plainly right. */
function agreedByForce(snapshot: Snapshot): number[][] {
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
  return choices.filter(holds).map((chosen) => chosen.map((version) => version.seq))
}

test('the planner agrees with trying everything', () => {
  fc.assert(
    fc.property(worlds, (snapshot) => {
      const agreed = agreedByForce(snapshot).map((rank) => rank.join())
      const { due: runs } = due(snapshot)
      let before = snapshot.taken
      for (const run of runs) {
        // sound: what is due is agreed, newer than all before it, and new in something that triggers
        expect(agreed).toContain(run.rank.join())
        if (before) expect(compareRanks(run.rank, before)).toBeGreaterThan(0)
        const triggered = snapshot.inputs.some(
          (input, index) =>
            (input.trigger || input.via.length > 0) && run.rank[index]! > (before?.[index] ?? 0),
        )
        expect(triggered).toBe(true)
        before = run.rank
      }
    }),
    { numRuns: 3_000 },
  )
})

test('with everything vouched for, the newest agreed set is never missed', () => {
  fc.assert(
    fc.property(worlds, (snapshot) => {
      fc.pre(snapshot.inputs.length > 0 && snapshot.inputs.every((input) => input.via.length > 0))
      const newest = agreedByForce(snapshot).toSorted(compareRanks).at(-1)
      const { due: runs } = due(snapshot)
      const last = runs.at(-1)?.rank ?? snapshot.taken
      if (newest && (!last || compareRanks(newest, last) > 0)) {
        // a newer set may only be passed over when nothing in it is newer than what was taken, input by input
        expect(newest.every((seq, index) => seq <= (last?.[index] ?? 0))).toBe(true)
      }
    }),
    { numRuns: 3_000 },
  )
})
