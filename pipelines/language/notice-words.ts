import type { NoticeKind } from './pipeline.ts'
import { interpolate } from './expression/interpolate.ts'

/** What is told of one thing that happened. What there is none of is an empty text. */
export type NoticeFacts = {
  readonly kind: NoticeKind
  readonly project: string
  readonly pipeline: string
  readonly lane: string
  readonly job: string
  /** The run's number among those of its job. */
  readonly number: string
  /** What happened, in words: `failed`, `succeeded again`, `waits for approval`. */
  readonly words: string
  /** Why, where that is known. */
  readonly reason: string
  /** The first line of the commit’s message, or the name of another version. */
  readonly title: string
  readonly version: string
  readonly url: string
}

const NAMES = [
  ...(['kind', 'project', 'pipeline', 'lane', 'job', 'number', 'words'] as const),
  ...(['reason', 'title', 'version', 'url'] as const),
] satisfies readonly (keyof NoticeFacts)[]

/** What a notice’s `text` may name. */
export const NOTICE_VALUES: readonly string[] = NAMES.map((name) => `notice.${name}`)

/** One notice as a line of text; where its author gave the words, in those. */
export function noticeText(facts: NoticeFacts, template: string | null): string {
  if (template === null) return plainText(facts)
  const told = interpolate(template, new Map(NAMES.map((name) => [`notice.${name}`, facts[name]])))
  // The file was checked, so that nothing can be missing; a file of another version of Takt might.
  return 'text' in told ? told.text : plainText(facts)
}

function plainText({ project, pipeline, lane, job, number, words, reason, title }: NoticeFacts): string {
  const run = job === '' ? '' : `/${job}${number === '' ? '' : ` #${number}`}`
  const of = title === '' ? '' : ` (${title})`
  return `${project}/${pipeline}${run} ${words} on ${lane}${of}${reason === '' ? '' : `: ${reason}`}`
}
