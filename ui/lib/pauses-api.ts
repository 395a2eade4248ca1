import type { InferResponseType } from 'hono/client'
import { answer, body, type LineAt, part, type ResourceAt, v1 } from './api.ts'

const line = v1.projects[':project'].pipelines[':pipeline']
const oneResource = line.resources[':resource']

const ofLine = (at: Pick<LineAt, 'project' | 'pipeline'>) => ({
  param: { project: part(at.project), pipeline: part(at.pipeline) },
})
const ofResource = (at: ResourceAt) => ({ param: { ...ofLine(at).param, resource: part(at.resource) } })

const removedOf = v1.projects[':project'].removed

export type Removed = InferResponseType<typeof removedOf.$get, 200>['items'][number]

/** What the default branch has no more, and whose history is still there. */
export const removals = {
  list: (project: string, signal: AbortSignal) =>
    answer(removedOf.$get({ param: { project: part(project) } }, { init: { signal } })),
  deleteForGood: (project: string, { of, pipeline, name }: Removed, confirm: string) =>
    body(
      removedOf.delete.$post({ param: { project: part(project) }, json: { of, pipeline, name, confirm } }),
    ),
}

export const pauses = {
  pauseLine: (at: LineAt, reason: string) => body(line.pause.$post({ ...ofLine(at), json: { reason } })),
  resumeLine: (at: LineAt) => body(line.resume.$post(ofLine(at))),
  pauseResource: (at: ResourceAt, reason: string) =>
    body(oneResource.pause.$post({ ...ofResource(at), json: { reason } })),
  resumeResource: (at: ResourceAt) => body(oneResource.resume.$post(ofResource(at))),
}
