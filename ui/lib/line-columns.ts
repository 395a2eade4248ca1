import type { Edge } from './line-shape.ts'

/**
 * The column of every node, from left to right: a job stands as far left as what it needs allows, what is put right behind those
 * who put it, and any other resource right before the first job that gets it. What leads back decides nothing.
 */
export function columnsOf(edges: readonly Edge[]): Map<string, number> {
  const columns = new Map<string, number>()
  const onward = edges.filter(({ isBack }) => !isBack)
  const into = Map.groupBy(onward, ({ to }) => to)
  const isGiven = (key: string) => key.startsWith('resource:') && !into.has(key)
  const columnOf = (key: string): number => {
    const known = columns.get(key)
    if (known !== undefined) return known
    columns.set(key, 1) // A circle of needs cannot be checked in; should one come, it must not hang the page.
    const before = (into.get(key) ?? []).filter(({ from }) => !isGiven(from))
    const column = Math.max(1, ...before.map((edge) => columnOf(edge.from) + 1))
    columns.set(key, column)
    return column
  }
  for (const { to } of onward) columnOf(to)
  for (const [from, begun] of Map.groupBy(onward, (edge) => edge.from))
    if (isGiven(from)) columns.set(from, Math.min(...begun.map((edge) => columnOf(edge.to))) - 1)
  return columns
}
