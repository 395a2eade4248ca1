import { z } from 'zod'
import type { PullFact } from '#pipelines/plan/lanes.ts'
import { isRefName, MOST_REF_BYTES } from '#pipelines/refs.ts'
import { normalizeAddress, sshAddress } from '../forges/address.ts'
import { againIn, imagesIn, type Installed, installedIn, type Again } from './read-github-more.ts'
import type { PushedImage } from './read-registry.ts'
import { isZero, SHA } from '../forges/git.ts'

/** What a delivery means to us: a ref of a repository now points to another commit, or is gone. */
export type Push = {
  readonly repository: {
    readonly url: string
    /** Its other addresses, spelled alike: a project may have been added by any of them. */
    readonly others?: readonly string[]
    readonly forgeId: string | null
    readonly defaultBranch: string | null
  } | null
  readonly ref: string
  /** The commit it pointed to until then; null when it is new, or nobody said. */
  readonly before: string | null
  /** The commit the ref points to now; null when it is gone. */
  readonly after: string | null
  /** False where the sender says that it simply goes on; true where it says otherwise; null where nobody said. */
  readonly forced: boolean | null
  /** What the ref is of; null where it is a branch's or a tag's. */
  readonly pull: Pull | null
}

/** A pull request as its forge tells of it. Its ref is `refs/pull/<number>/head`. */
export type Pull = PullFact & {
  readonly number: number
  readonly title: string
  readonly author: string
  /** Where its base points; null where the forge does not say. */
  readonly baseSha: string | null
  readonly head: string
  /** What became of it, when it is over. */
  readonly over: 'merged' | 'closed' | null
}

/** A push, or the reason why the delivery is of no consequence, in words. */
export type Meaning = { readonly push: Push } | Otherwise

/** What moves no ref. Of which repository it speaks, where it does, is known all the same. */
export type Otherwise =
  | {
      readonly nothing: string
      readonly repository?: Push['repository']
      /** Images that were pushed to the forge's own registry. */
      readonly images?: readonly PushedImage[]
    }
  | { readonly again: Again; readonly repository: Push['repository'] }
  | { readonly installed: Installed }

export const sha = z.string().regex(SHA)
export const ref = z
  .string()
  .regex(/^refs\/(heads|tags)\//, { error: 'neither a branch nor a tag' })
  .refine(isRefName, { error: `not a ref name git would accept, or longer than ${MOST_REF_BYTES} bytes` })

/** A branch by its bare name. */
export const branch = z.string().refine((name) => ref.safeParse(`refs/heads/${name}`).success, {
  error: 'not a branch name git would accept',
})

const githubRepository = z.object({
  id: z.number().int(),
  clone_url: z.string().max(2_000),
  ssh_url: z.string().max(2_000).optional(),
  default_branch: branch.optional(),
})
const GithubPush = z.object({
  ref,
  before: sha.optional(),
  after: sha,
  deleted: z.boolean().optional(),
  forced: z.boolean().optional(),
  repository: githubRepository,
})
const GithubRef = z.object({
  ref: z.string().max(500),
  ref_type: z.enum(['branch', 'tag', 'repository']),
  repository: githubRepository,
})
const GithubPull = z.object({
  action: z.string().max(100),
  before: sha.optional(),
  changes: z.object({ base: z.unknown().optional() }).optional(),
  number: z.number().int().positive(),
  pull_request: z.object({
    title: z.string(),
    draft: z.boolean().optional(),
    merged: z.boolean().nullish(),
    labels: z.array(z.object({ name: z.string() })).optional(),
    user: z.object({ login: z.string() }).nullish(),
    author_association: z.string().max(100).optional(),
    head: z.object({
      sha,
      ref: branch,
      repo: z.object({ id: z.number().int(), owner: z.object({ login: z.string() }).nullish() }).nullish(),
    }),
    base: z.object({ sha, ref: branch }),
  }),
  repository: githubRepository,
})
const GitPush = z.object({
  ref,
  before: sha.optional(),
  after: sha,
  forced: z.boolean().optional(),
  default_branch: branch.optional(),
})

/** A push that a git server's own hook tells of, or that we saw ourselves. */
export const readGit = (payload: unknown): Meaning => ({ push: pushOf(null, expect(GitPush, payload)) })

/**
 * What GitHub says.
 *
 * @throws {Error} In words, when the payload is not what GitHub promises.
 */
export function readGithub(event: string, payload: unknown): Meaning {
  switch (event) {
    case 'ping':
      return { nothing: 'ping: the hook works' }
    case 'push': {
      const push = expect(GithubPush, payload)
      return { push: pushOf(githubOf(push.repository), push) }
    }
    case 'delete': {
      const gone = expect(GithubRef, payload)
      if (gone.ref_type === 'repository') return { nothing: 'not a branch or tag' }
      const name = expect(ref, `refs/${gone.ref_type === 'branch' ? 'heads' : 'tags'}/${gone.ref}`)
      const repository = githubOf(gone.repository)
      return { push: { repository, ref: name, before: null, after: null, forced: null, pull: null } }
    }
    case 'pull_request':
      return meaningOf(expect(GithubPull, payload))
    case 'create':
      return { nothing: 'a new ref comes with a push of its own', repository: repositoryIn(payload) }
    default:
      return readMore(event, payload)
  }
}

function readMore(event: string, payload: unknown): Meaning {
  const installed = installedIn(event, payload)
  if (installed) return { installed }
  const repository = repositoryIn(payload)
  const again = againIn(event, payload)
  if (again) return { again, repository }
  const images = imagesIn(payload)
  const nothing = `the event \`${event.slice(0, 60)}\` starts nothing`
  return { nothing, repository, ...(images.length > 0 ? { images } : {}) }
}

/** The repository that any event speaks of; null where it speaks of none. */
function repositoryIn(payload: unknown): Push['repository'] {
  const told = z.object({ repository: githubRepository }).safeParse(payload)
  return told.success ? githubOf(told.data.repository) : null
}

/** What can make a version of a pull request, or a difference to whether there is one. */
const ACTIONS = ['opened', 'reopened', 'synchronize', 'ready_for_review', 'labeled', 'closed']

function meaningOf({
  action,
  before,
  changes,
  number,
  pull_request: pull,
  repository,
}: z.output<typeof GithubPull>): Meaning {
  // An edit of its words starts nothing; one of the branch that it goes to may.
  const isMoved = action === 'edited' && changes?.base !== undefined
  if (!ACTIONS.includes(action) && !isMoved)
    return {
      nothing: `the action \`${action.slice(0, 60)}\` of a pull request starts nothing`,
      repository: githubOf(repository),
    }
  const over = action !== 'closed' ? null : pull.merged ? 'merged' : 'closed'
  return {
    push: {
      repository: githubOf(repository),
      ref: `refs/pull/${number}/head`,
      before: before === undefined || isZero(before) ? null : before,
      after: over ? null : pull.head.sha,
      forced: null,
      pull: {
        number,
        title: pull.title.slice(0, 1_000),
        author: pull.user?.login ?? '',
        base: pull.base.ref,
        baseSha: pull.base.sha,
        head: pull.head.ref,
        draft: pull.draft ?? false,
        labels: (pull.labels ?? []).map((label) => label.name),
        fork: pull.head.repo?.id !== repository.id,
        known: knownAs(pull),
        over,
      },
    },
  }
}

const WRITERS = ['OWNER', 'MEMBER', 'COLLABORATOR']

/** Anybody may ask to merge a stranger's fork, and the stranger pushes on: what the author is counts for his own fork alone. */
function knownAs({ author_association: as = '', user, head }: z.output<typeof GithubPull>['pull_request']) {
  const owner = head.repo?.owner?.login
  if (owner === undefined || owner !== user?.login) return undefined
  if (WRITERS.includes(as)) return 'writer' as const
  return as === 'CONTRIBUTOR' ? ('contributor' as const) : undefined
}

type Told = {
  ref: string
  before?: string | undefined
  after: string
  deleted?: boolean | undefined
  forced?: boolean | undefined
}

export const pushOf = (repository: Push['repository'], push: Told): Push => ({
  repository,
  ref: push.ref,
  before: push.before === undefined || isZero(push.before) ? null : push.before,
  after: push.deleted || isZero(push.after) ? null : push.after,
  forced: push.forced ?? null,
  pull: null,
})

const githubOf = (repository: z.output<typeof githubRepository>): NonNullable<Push['repository']> => ({
  url: normalizeAddress(repository.clone_url).url,
  others: repository.ssh_url ? [sshAddress(repository.ssh_url)] : [],
  forgeId: String(repository.id),
  defaultBranch: repository.default_branch ?? null,
})

export function expect<S extends z.ZodType>(schema: S, payload: unknown): z.output<S> {
  const read = schema.safeParse(payload)
  if (read.success) return read.data
  const [issue] = read.error.issues
  throw new Error(
    `the payload is not of the expected shape: ${issue?.path.join('.') || 'body'}: ${issue?.message}`,
  )
}
