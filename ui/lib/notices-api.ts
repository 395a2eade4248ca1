import type { InferResponseType } from 'hono/client'
import { answer, type Answer, body, part, v1 } from './api.ts'

const told = v1.projects[':project'].notices
const rules = v1.projects[':project'].pipelines[':pipeline'].notify

export type Notices = InferResponseType<typeof told.$get, 200>
export type Notice = Notices['items'][number]
export type NoticeState = Notice['state']
export type NoticeRule = InferResponseType<typeof rules.$get, 200>['items'][number]

/** What was told, and who is told of what. */
export type ToldAndRules = { readonly told: Notices; readonly rules: readonly NoticeRule[] }

async function take(
  project: string,
  state: NoticeState | undefined,
  signal: AbortSignal,
): Promise<Answer<ToldAndRules>> {
  const init = { init: { signal } }
  const param = { project: part(project) }
  const list = await answer(told.$get({ param, query: state === undefined ? {} : { state } }, init))
  const { pipelines } = await body(v1.projects[':project'].$get({ param }, init))
  const ofEach = await Promise.all(
    pipelines.map((pipeline) => body(rules.$get({ param: { ...param, pipeline: part(pipeline) } }, init))),
  )
  return { cursor: list.cursor, body: { told: list.body, rules: ofEach.flatMap(({ items }) => items) } }
}

export const notices = {
  take,
  retry: (project: string, id: number) =>
    body(told[':id'].retry.$post({ param: { project: part(project), id: String(id) } })),
  tryOut: (project: string, { pipeline, index }: NoticeRule) =>
    body(
      rules[':index'].test.$post({
        param: { project: part(project), pipeline: part(pipeline), index: String(index) },
      }),
    ),
}
