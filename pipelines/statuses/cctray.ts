import { xmlText } from './badge.ts'
import { isUnfinished, type Verdict } from './verdict.ts'

/** A job as clients that watch many servers know it. */
export type WatchedJob = {
  /** `shop/main/test`. */
  readonly name: string
  readonly verdict: Verdict
  /** How it ended last, whatever goes on now; null where it never did. */
  readonly last: {
    readonly how: 'success' | 'failure' | 'other'
    readonly number: number
    readonly at: Date
  } | null
  /** Where a person looks at it. */
  readonly url: string
}

const STATUS = { success: 'Success', failure: 'Failure', other: 'Exception' } as const
/** Clients demand a time also of what has not ended yet. */
const NEVER = new Date(0)

/** The CCTray feed, https://cctray.org/v1: one `Project` a job. */
export function cctray(jobs: readonly WatchedJob[]): string {
  const lines = jobs.map((job) => {
    const facts = {
      name: job.name,
      activity: isUnfinished(job.verdict) ? 'Building' : 'Sleeping',
      lastBuildStatus: job.last ? STATUS[job.last.how] : 'Unknown',
      lastBuildLabel: String(job.last?.number ?? ''),
      lastBuildTime: (job.last?.at ?? NEVER).toISOString().replace(/\.\d+Z$/, 'Z'),
      webUrl: job.url,
    }
    const written = Object.entries(facts).map(([name, value]) => `${name}="${xmlText(value)}"`)
    return `  <Project ${written.join(' ')}/>\n`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Projects>\n${lines.join('')}</Projects>\n`
}
