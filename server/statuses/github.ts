import type { Octokit } from '@octokit/rest'
import { isUnfinished, type Verdict } from '#pipelines/statuses/verdict.ts'
import {
  type AnswerHeaders,
  asking,
  clientsOf,
  type GithubSettings,
  githubHost,
  NoChecks,
  placeOf,
  restOf,
} from '../forges/github-client.ts'
import type { Arrived, Forge, Telling } from './forge.ts'

/** GitHub's words for it, as a commit's status: amber is green there, and says so. */
const STATUS: Readonly<Record<Verdict, 'pending' | 'success' | 'failure' | 'error'>> = {
  queued: 'pending',
  running: 'pending',
  waiting: 'pending',
  succeeded: 'success',
  allowed: 'success',
  skipped: 'success',
  failed: 'failure',
  errored: 'error',
  cancelled: 'error',
}
/** … and as a check, which knows grey. */
const CONCLUSION = {
  succeeded: 'success',
  allowed: 'neutral',
  skipped: 'skipped',
  failed: 'failure',
  errored: 'failure',
  cancelled: 'cancelled',
} as const
const MOST_DESCRIPTION = 140
const TIMEOUT_MS = 10_000

/**
 * GitHub, and servers that speak its API. A line is a check, which only an app may set: where the token is a person's, GitHub says so,
 * and the line is a commit's status like its jobs.
 */
export function github({ api, access }: GithubSettings): Forge {
  const clients = clientsOf(api, access)
  /** Repositories whose token makes no checks; after a restart GitHub says it again. */
  const plain = new Set<string>()
  return {
    name: 'github',
    host: githubHost(api),
    async tell(telling, signal) {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])
      const asked = { telling, octokit: await clients(telling.repository, bounded), signal: bounded }
      if (!telling.isLine || plain.has(telling.repository)) return tellStatus(asked)
      try {
        return await tellCheck(asked)
      } catch (error) {
        if (!(error instanceof NoChecks)) throw error
        plain.add(telling.repository)
        return tellStatus(asked)
      }
    },
  }
}

type Asked = { readonly telling: Telling; readonly octokit: Octokit; readonly signal: AbortSignal }

async function tellCheck({ telling, octokit, signal }: Asked): Promise<Arrived> {
  const { verdict, words, before } = telling
  const at = { ...placeOf(telling.repository), request: { signal } }
  const state = isUnfinished(verdict)
    ? { status: verdict === 'queued' ? ('queued' as const) : ('in_progress' as const) }
    : { status: 'completed' as const, conclusion: conclusionOf(verdict) }
  const shown = {
    ...state,
    details_url: telling.link,
    external_id: telling.id,
    output: { title: words.slice(0, MOST_DESCRIPTION), summary: summaryOf(telling) },
  }
  // A check that has ended does not begin again: what begins anew is another one of the same name, which takes its place.
  const isOver = before.verdict !== null && !isUnfinished(before.verdict) && isUnfinished(verdict)
  const known = isOver ? null : before.externalId
  const id = known ?? (telling.unsure ? await lostCheck({ telling, octokit, signal }) : null)
  const answer = await asking(async (): Promise<CheckAnswer> =>
    id !== null
      ? octokit.checks.update({ ...at, check_run_id: Number(id), ...shown })
      : octokit.checks.create({ ...at, name: telling.name, head_sha: telling.sha, ...shown }),
  )
  return { externalId: String(answer.data.id), restMs: restOf(answer) }
}

/** The check that was made and that nobody heard of: the newest of ours beside the one that is known. */
async function lostCheck({ telling, octokit, signal }: Asked): Promise<number | null> {
  const { repository, sha, name, verdict, before, id } = telling
  const asked = { ...placeOf(repository), ref: sha, check_name: name, filter: 'all' as const, per_page: 100 }
  const { data } = await asking(() => octokit.checks.listForRef({ ...asked, request: { signal } }))
  const ours = data.check_runs.filter(
    (run) => run.external_id === id && (before.externalId === null || run.id > Number(before.externalId)),
  )
  const newest = ours.toSorted((a, b) => b.id - a.id)[0]
  return newest && !(newest.status === 'completed' && isUnfinished(verdict)) ? newest.id : null
}

type CheckAnswer = { readonly data: { readonly id: number }; readonly headers: AnswerHeaders }

const conclusionOf = (verdict: Verdict) =>
  verdict in CONCLUSION ? CONCLUSION[verdict as keyof typeof CONCLUSION] : 'failure'

const summaryOf = ({ words, link }: Telling) => `${words}\n\n[Look at it in Takt](${link})`

async function tellStatus({ telling, octokit, signal }: Asked): Promise<Arrived> {
  const answer = await asking(() =>
    octokit.repos.createCommitStatus({
      ...placeOf(telling.repository),
      sha: telling.sha,
      state: STATUS[telling.verdict],
      context: telling.name,
      description: telling.words.slice(0, MOST_DESCRIPTION),
      target_url: telling.link,
      request: { signal },
    }),
  )
  return { externalId: null, restMs: restOf(answer) }
}
