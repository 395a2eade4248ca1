import { z } from 'zod'
import { getJson, readAnswer } from './ask-json.ts'
import { SHA } from './git.ts'
import { allPages, missingIn, type PullChange, type PullForge, type ShownPull } from './pull-lists.ts'

const ON_A_PAGE = 100
const ACTIONS: Readonly<Record<Exclude<PullChange['what'], 'closed'>, string>> = {
  opened: 'open',
  reopened: 'reopen',
  pushed: 'update',
  changed: 'update',
}

const word = z.string().max(1_000)
const Request = z.object({
  iid: z.number().int().positive(),
  title: z.string(),
  state: word,
  draft: z.boolean().optional(),
  work_in_progress: z.boolean().optional(),
  labels: z.array(word).nullish(),
  author: z.object({ id: z.number().int(), username: word }).nullish(),
  source_branch: word,
  target_branch: word,
  source_project_id: z.number().int().nullish(),
  target_project_id: z.number().int(),
  /** Null while GitLab has not looked at its branch yet. */
  sha: z.string().regex(SHA).nullable(),
})
type Request = z.output<typeof Request>

/** The merge requests of GitLab. */
export const gitlabPulls = ({ url, token }: { readonly url: string; readonly token: string }): PullForge => ({
  name: 'gitlab',
  host: new URL(url).host,
  event: 'merge_request',
  async pulls({ repository, url: ours, open, signal }) {
    const root = url.replace(/\/+$/, '')
    const at = `${root}/api/v4/projects/${encodeURIComponent(repository)}/merge_requests`
    const ask = (to: string) =>
      getJson({ forge: 'GitLab', url: at + to, headers: { 'private-token': token }, signal })
    const listed = await allPages({
      size: ON_A_PAGE,
      page: async (page) =>
        readAnswer(z.array(Request), await ask(`?state=opened&per_page=${ON_A_PAGE}&page=${page}`)),
    })
    const numbered = listed.map((request) => ({ number: request.iid, request }))
    for (const number of missingIn(open, numbered))
      numbered.push({ number, request: readAnswer(Request, await ask(`/${number}`)) })
    const git_http_url = /^https?:/.test(ours) ? ours : `${root}/${repository}.git`
    return numbered.flatMap(({ request }) => shownRequest(request, git_http_url) ?? [])
  },
})

function shownRequest(request: Request, git_http_url: string): ShownPull | null {
  const { iid, sha, state } = request
  if (sha === null) return null
  const isOpen = state === 'opened' || state === 'locked'
  const draft = request.draft ?? request.work_in_progress ?? false
  const labels = request.labels ?? []
  return {
    ...{
      number: iid,
      repositoryId: String(request.target_project_id),
      sha: isOpen ? sha : null,
      base: request.target_branch,
      draft,
      labels,
    },
    told: ({ what, before }) => ({
      object_kind: 'merge_request',
      user: request.author ?? null,
      project: { id: request.target_project_id, git_http_url },
      labels: labels.map((title) => ({ title })),
      object_attributes: {
        ...{ iid, title: request.title, draft, author_id: request.author?.id ?? null },
        action: what === 'closed' ? (state === 'merged' ? 'merge' : 'close') : ACTIONS[what],
        ...{ source_branch: request.source_branch, target_branch: request.target_branch },
        source_project_id: request.source_project_id ?? null,
        target_project_id: request.target_project_id,
        ...(before === null ? {} : { oldrev: before }),
        last_commit: { id: sha },
      },
    }),
  }
}
