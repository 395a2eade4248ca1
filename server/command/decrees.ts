import { call } from './call.ts'
import { readConfig } from './config.ts'
import { memberAt, pipelineAt } from './places.ts'
import { note, outJson } from './print.ts'

type Json = { readonly json?: true }
type Said = Json & { readonly lane?: string; readonly reason?: string; readonly resource?: true }

/** Jobs take only this version of a resource on a lane, until somebody unpins it. */
export async function pin(resource: string, version: string, { json, ...said }: Said): Promise<number> {
  const body = { ...said, version }
  const path = `${memberAt('resources', resource)}/pin`
  return told(await call(readConfig(), path, { method: 'PUT', body }), {
    json,
    words: `${resource} is pinned to ${version}`,
  })
}

export async function unpin(resource: string, { json, lane }: Said): Promise<number> {
  const path = `${memberAt('resources', resource)}/pin`
  return told(await call(readConfig(), path, { method: 'DELETE', query: { lane } }), {
    json,
    words: `${resource} follows its newest version again`,
  })
}

/** The job, or every one of a pipeline, starts nothing until it goes on, or nothing comes of a resource; what runs goes on running. */
export async function pause(job: string, { json, reason, resource }: Said): Promise<number> {
  const body = reason === undefined ? {} : { reason }
  return told(await call(readConfig(), `${pausableAt(job, resource)}/pause`, { method: 'POST', body }), {
    json,
    words: `${job} is paused`,
  })
}

export async function resume(job: string, { json, resource }: Said): Promise<number> {
  return told(await call(readConfig(), `${pausableAt(job, resource)}/resume`, { method: 'POST', body: {} }), {
    json,
    words: `${job} goes on`,
  })
}

/** `<project>/<pipeline>` names a whole pipeline, one name more a job of it, or a resource. */
const pausableAt = (name: string, resource?: true): string => {
  if (resource) return memberAt('resources', name)
  return name.split('/').length === 2 ? pipelineAt(name) : memberAt('jobs', name)
}

function told(answer: unknown, { json, words }: { json: true | undefined; words: string }): number {
  if (json) outJson(answer)
  else note(words)
  return 0
}
