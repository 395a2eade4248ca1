import { z } from 'zod'
import { isZero } from '../forges/git.ts'
import { normalizeAddress, sshAddress } from '../forges/address.ts'
import { branch, expect, type Meaning, type Push, pushOf, ref, sha } from './payloads.ts'

const address = z.string().max(2_000)
const Project = z.object({
  id: z.number().int(),
  git_http_url: address,
  git_ssh_url: address.optional(),
  default_branch: branch.nullish(),
})
const Kind = z.object({
  object_kind: z.string().max(100).optional(),
  event_name: z.string().max(100).optional(),
})
const RefPush = z.object({ ref, before: sha, after: sha, project: Project })
const MergeRequest = z.object({
  user: z.object({ id: z.number().int().optional(), username: z.string() }).nullish(),
  project: Project,
  labels: z.array(z.object({ title: z.string() })).nullish(),
  object_attributes: z.object({
    iid: z.number().int().positive(),
    action: z.string().max(100).optional(),
    title: z.string(),
    author_id: z.number().int().nullish(),
    source_branch: branch,
    target_branch: branch,
    source_project_id: z.number().int().nullish(),
    target_project_id: z.number().int(),
    draft: z.boolean().optional(),
    work_in_progress: z.boolean().optional(),
    oldrev: sha.optional(),
    last_commit: z.object({ id: sha }),
  }),
})

/**
 * What GitLab says. A system hook tells of the same things as a project's, under `event_name`.
 *
 * @throws {Error} In words, when the payload is not what GitLab promises.
 */
export function readGitlab(payload: unknown): Meaning {
  const { object_kind, event_name } = expect(Kind, payload)
  const kind = object_kind ?? event_name ?? 'without a name'
  switch (kind) {
    case 'push':
    case 'tag_push': {
      const { project, ...told } = expect(RefPush, payload)
      return { push: pushOf(repositoryOf(project), told) }
    }
    case 'merge_request':
      return meaningOf(expect(MergeRequest, payload))
    default:
      return {
        nothing: `the event \`${kind.slice(0, 60)}\` starts nothing`,
        repository: repositoryIn(payload),
      }
  }
}

/** What can make a version of a merge request, or a difference to whether there is one. */
const ACTIONS = ['open', 'reopen', 'update', 'close', 'merge']

function meaningOf({
  user,
  project,
  labels,
  object_attributes: request,
}: z.output<typeof MergeRequest>): Meaning {
  const { iid, action, last_commit: head, oldrev } = request
  if (action === undefined || !ACTIONS.includes(action))
    return {
      nothing: `the action \`${(action ?? 'none').slice(0, 60)}\` of a merge request starts nothing`,
      repository: repositoryOf(project),
    }
  const over = action === 'merge' ? 'merged' : action === 'close' ? 'closed' : null
  return {
    push: {
      repository: repositoryOf(project),
      ref: `refs/pull/${iid}/head`,
      before: oldrev === undefined || isZero(oldrev) ? null : oldrev,
      after: over ? null : head.id,
      forced: null,
      pull: {
        number: iid,
        title: request.title.slice(0, 1_000),
        author: authorOf(user, request.author_id ?? null),
        base: request.target_branch,
        baseSha: null,
        head: request.source_branch,
        draft: request.draft ?? request.work_in_progress ?? false,
        labels: (labels ?? []).map((label) => label.title),
        fork: request.source_project_id !== request.target_project_id,
        over,
      },
    },
  }
}

/** The payload names who did the last thing; of the author it has the number alone. */
function authorOf(user: z.output<typeof MergeRequest>['user'], author: number | null): string {
  if (author === null || user?.id === author) return user?.username ?? ''
  return `user ${author}`
}

const repositoryOf = (project: z.output<typeof Project>): NonNullable<Push['repository']> => ({
  url: normalizeAddress(project.git_http_url).url,
  others: project.git_ssh_url ? [sshAddress(project.git_ssh_url)] : [],
  forgeId: String(project.id),
  defaultBranch: project.default_branch ?? null,
})

/** The repository that any event speaks of; null where it speaks of none. */
function repositoryIn(payload: unknown): Push['repository'] {
  const told = z.object({ project: Project }).safeParse(payload)
  return told.success ? repositoryOf(told.data.project) : null
}
