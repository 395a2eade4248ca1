import fc from 'fast-check'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { git } from '../../server/forges/git.ts'
import { hostedProject } from '../support/repository.ts'
import { type House, startHouse } from '../support/server.ts'
import { untold } from '../support/told.ts'

/** A history by numbers: the parents of each commit are older ones. */
type Graph = readonly (readonly number[])[]

/** Commits of any shape: on top of each other, side by side, merges, and beginnings of their own. */
const graphs = fc
  .integer({ min: 2, max: 8 })
  .chain((count) =>
    fc.tuple(
      ...Array.from({ length: count }, (_, at) =>
        at === 0 ? fc.constant<number[]>([]) : fc.uniqueArray(fc.nat(at - 1), { maxLength: 2, size: 'max' }),
      ),
    ),
  )

const ancestorsOf = (graph: Graph, of: number): Set<number> =>
  new Set(graph[of]!.flatMap((parent) => [parent, ...ancestorsOf(graph, parent)]))

/** The same history as real commits. @returns Their hashes. */
async function commits(house: House, graph: Graph): Promise<string[]> {
  const file = 'jobs: { test: { run: say x } }'
  const stream = graph.map(([first, second], at) =>
    [
      'reset refs/hidden/x',
      `commit refs/hidden/x\nmark :${at + 1}\ncommitter A <a@x> ${1_800_000_000 + at} +0000\ndata 1\nx`,
      ...(first === undefined ? [] : [`from :${first + 1}`]),
      ...(second === undefined ? [] : [`merge :${second + 1}`]),
      `M 644 inline .takt.yml\ndata ${file.length}\n${file}\n`,
    ].join('\n'),
  )
  const dir = join(house.dataDir, 'git', 'shop.git')
  const marks = join(house.dataDir, 'marks')
  await git(['fast-import', '--quiet', '--force', `--export-marks=${marks}`], { dir, input: stream.join('') })
  const lines = (await readFile(marks, 'utf8')).trim().split('\n')
  const byMark = new Map(lines.map((each) => each.split(' ') as [string, string]))
  return graph.map((_, at) => byMark.get(`:${at + 1}`)!)
}

/** The lane's versions that its ref leads to, oldest first, by their numbers. */
async function lane(house: House, name: string, shas: string[]): Promise<number[]> {
  const rows = await house.db
    .selectFrom('versions')
    .innerJoin('lanes', 'lanes.id', 'versions.lane_id')
    .select('versions.name')
    .where('lanes.name', '=', name)
    .where('versions.left_at', 'is', null)
    .orderBy('versions.seq')
    .execute()
  return rows.map((row) => shas.indexOf(row.name))
}

function expectOrder(graph: Graph, order: readonly number[], head: number): void {
  expect(order.at(-1)).toBe(head)
  for (const [at, one] of order.entries())
    for (const later of order.slice(at + 1)) expect([...ancestorsOf(graph, one)]).not.toContain(later)
}

test('whatever the order in which pushes that go on from each other are told, the lane has that of the history', async () => {
  await using house = await startHouse()
  await using _clone = await hostedProject(house, 'shop')
  const apply = await untold(house)
  let runs = 0
  const told = graphs.chain((graph) => {
    return fc.record({
      graph: fc.constant<Graph>(graph),
      order: fc.shuffledSubarray(oneLine(graph), { minLength: 1 }),
      silent: fc.boolean(),
    })
  })
  await fc.assert(
    fc.asyncProperty(told, async ({ graph, order, silent }) => {
      const shas = await commits(house, graph)
      const name = `x${++runs}`
      const inTime = order.toSorted((a, b) => a - b)
      for (const at of order) {
        const before = inTime[inTime.indexOf(at) - 1]
        await apply(shas[at]!, silent || before === undefined ? null : shas[before]!, `refs/heads/${name}`)
      }
      const versions = await lane(house, name, shas)
      expect(versions.toSorted((a, b) => a - b)).toEqual(inTime)
      expectOrder(graph, versions, inTime.at(-1)!)
    }),
    { numRuns: 25 },
  )
}, 120_000)

/** As many commits as go on from each other, up to the last one. */
function oneLine(graph: Graph): number[] {
  const line = [graph.length - 1]
  for (let at = graph.length - 2; at >= 0; at--) if (ancestorsOf(graph, line.at(-1)!).has(at)) line.push(at)
  return line.toReversed()
}

test('wherever a branch is moved, its head is the newest, and what it does not lead to is left behind', async () => {
  await using house = await startHouse()
  await using _clone = await hostedProject(house, 'shop')
  const apply = await untold(house)
  let runs = 0
  const moves = graphs.chain((graph) =>
    fc.record({
      graph: fc.constant<Graph>(graph),
      heads: fc.array(fc.nat(graph.length - 1), { minLength: 2, maxLength: 7 }),
    }),
  )
  await fc.assert(
    fc.asyncProperty(moves, async ({ graph, heads }) => {
      const shas = await commits(house, graph)
      const name = `y${++runs}`
      for (const [at, head] of heads.entries()) {
        const before = at === 0 ? null : shas[heads[at - 1]!]!
        await apply(shas[head]!, before, `refs/heads/${name}`)
        const versions = await lane(house, name, shas)
        expectOrder(graph, versions, head)
        const led = ancestorsOf(graph, head).add(head)
        expect(versions.filter((version) => !led.has(version))).toEqual([])
      }
    }),
    { numRuns: 25 },
  )
}, 120_000)
