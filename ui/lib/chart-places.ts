/** How far back a chart looks. */
export const RANGES = ['24h', '7d', '30d', '90d'] as const
export type Range = (typeof RANGES)[number]
export const RANGE_WORDS: Readonly<Record<Range, string>> = {
  '24h': '24 hours',
  '7d': '7 days',
  '30d': '30 days',
  '90d': '90 days',
}

/** Whose runs are charted: a project's, an organization's, or of all that whoever looks may see. */
export type ChartsOf =
  { readonly of: 'all' } | { readonly of: 'project' | 'organization'; readonly name: string }
export type ChartsWanted = { readonly whose: ChartsOf; readonly range: Range }

export function chartsIn(query: URLSearchParams): ChartsWanted {
  const range = RANGES.find((each) => each === query.get('range')) ?? '7d'
  for (const of of ['project', 'organization'] as const) {
    const name = query.get(of)
    if (name) return { whose: { of, name }, range }
  }
  return { whose: { of: 'all' }, range }
}

export function chartsAddress(whose: ChartsOf, range: Range = '7d'): string {
  const query = new URLSearchParams()
  if (whose.of !== 'all') query.set(whose.of, whose.name)
  if (range !== '7d') query.set('range', range)
  return query.size === 0 ? '/charts' : `/charts?${query}`
}
