import type { InferResponseType } from 'hono/client'
import { answer, body, part, type ResourceAt, v1 } from './api.ts'

const project = v1.projects[':project']
const resource = project.pipelines[':pipeline'].resources[':resource']

export type ProjectHook = InferResponseType<typeof project.hooks.$get, 200>['items'][number]
export type GitHook = InferResponseType<typeof project.hook.$get, 200>
export type ResourceHook = InferResponseType<typeof resource.hook.$get, 200>
export type Taken = InferResponseType<(typeof project.events)[':source']['$post'], 200>

const at = (name: string) => ({ param: { project: part(name) } })

/** Where others tell a project of something, each address with its secret. */
export const hooks = {
  /** Of the senders that are known. */
  take: (name: string, signal: AbortSignal) =>
    answer(project.hooks.$get({ ...at(name), query: {} }, { init: { signal } })),
  /** Of a source of one's own. */
  ofSource: async (name: string, source: string): Promise<ProjectHook | null> => {
    const { items } = await body(project.hooks.$get({ ...at(name), query: { source } }))
    return items.find(({ sender }) => sender === 'events') ?? null
  },
  /** Of a git server without webhooks. */
  git: (name: string) => body(project.hook.$get(at(name))),
  /** Of those who know that a resource has something new. */
  ofResource: (of: ResourceAt) =>
    body(
      resource.hook.$get({
        param: { project: part(of.project), pipeline: part(of.pipeline), resource: part(of.resource) },
      }),
    ),
  /** Tells of an event as its source would. */
  tell: (name: string, source: string, event: Readonly<Record<string, unknown>>) =>
    body(
      project.events[':source'].$post({
        param: { project: part(name), source: part(source) },
        header: {},
        json: event,
      }),
    ),
}
