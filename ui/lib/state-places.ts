/** A job or a resource that remembers something; the leg of a matrix as JSON. */
export type Remembering = {
  readonly of: 'jobs' | 'resources'
  readonly name: string
  readonly leg: string | null
}

type LineAt = { readonly project: string; readonly pipeline: string; readonly lane: string | null }

/** What a line remembers on a lane, and of which job or resource in full. */
export function statesAddress({ project, pipeline, lane }: LineAt, what: Remembering | null = null): string {
  const query = new URLSearchParams()
  if (lane) query.set('lane', lane)
  if (what) query.set(what.of === 'jobs' ? 'job' : 'resource', what.name)
  if (what && what.leg !== null) query.set('leg', what.leg)
  const address = `/p/${encodeURIComponent(project)}/${encodeURIComponent(pipeline)}/state`
  return query.size > 0 ? `${address}?${query}` : address
}
