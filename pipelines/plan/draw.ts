import { jobNode, type LineGraph } from './layers.ts'

/**
 * The line as text: resources first, then the jobs layer by layer, each with what leads to it and what it puts.
 * `←` starts a run, `⇠` only hands something on.
 */
export function drawText({ resources, layers, edges }: LineGraph): string {
  const width = Math.max(
    0,
    ...[...resources.map(({ name }) => name), ...layers.flat()].map((name) => name.length),
  )
  const row = (mark: string, name: string, rest: string) =>
    `${mark}  ${name.padEnd(width)}  ${rest}`.trimEnd()
  const plain = (node: string) => node.replace(/^job:/, '')
  const jobs = layers.flatMap((layer, index) =>
    layer.map((name, place) => {
      const node = jobNode(name)
      const before = edges.filter((edge) => edge.to === node)
      const told = (triggers: boolean, mark: string) => {
        const names = before.filter((edge) => edge.triggers === triggers).map((edge) => plain(edge.from))
        return names.length > 0 ? [`${mark} ${names.join(', ')}`] : []
      }
      const puts = edges
        .filter((edge) => edge.from === node && !edge.to.startsWith('job:'))
        .map((edge) => edge.to)
      const rest = [
        ...told(true, '←'),
        ...told(false, '⇠'),
        ...(puts.length > 0 ? [`→ ${puts.join(', ')}`] : []),
      ]
      return row(place === 0 ? String(index + 1).padStart(3) : '   ', name, rest.join('  '))
    }),
  )
  return [...resources.map(({ name, kind }) => row('  ○', name, kind)), ...jobs].join('\n')
}

/** The line in the words of Mermaid, for a README or a merge request. */
export function drawMermaid({ resources, layers, edges }: LineGraph): string {
  const ids = new Map<string, string>()
  for (const { name } of resources) ids.set(name, `r${ids.size}`)
  for (const name of layers.flat()) ids.set(jobNode(name), `j${ids.size}`)
  const lines = [
    ...resources.map(({ name }) => `${ids.get(name)}(["${name}"])`),
    ...layers.flat().map((name) => `${ids.get(jobNode(name))}["${name}"]`),
    ...edges.map(({ from, to, triggers }) => `${ids.get(from)} ${triggers ? '-->' : '-.->'} ${ids.get(to)}`),
  ]
  return ['flowchart LR', ...lines.map((line) => `  ${line}`)].join('\n')
}
