import { z } from 'zod'
import { SHA } from './git.ts'
import type { PullChange, ShownPull } from './pull-lists.ts'

const word = z.string().max(1_000)
const Repo = z.looseObject({
  id: z.number().int(),
  clone_url: z.string().max(2_000),
  full_name: word.optional(),
})
/** What GitHub and Gitea show of a pull request, alike but for what they call what befell it. */
export const HubPull = z.looseObject({
  number: z.number().int().positive(),
  title: z.string(),
  state: word,
  draft: z.boolean().optional(),
  merged: z.boolean().nullish(),
  merged_at: word.nullish(),
  user: z.looseObject({ login: word }).nullish(),
  author_association: word.optional(),
  labels: z.array(z.looseObject({ name: word })).nullish(),
  head: z.looseObject({
    sha: z.string().regex(SHA),
    ref: word,
    repo: z.looseObject({ id: z.number().int(), owner: z.looseObject({ login: word }).nullish() }).nullish(),
  }),
  base: z.looseObject({ sha: z.string().regex(SHA), ref: word, repo: Repo }),
})
export type HubPull = z.output<typeof HubPull>

type Actions = Readonly<Record<PullChange['what'], string>>

/** Of what the forge shows no more is kept than what its hook is read for. */
export function shownHub(pull: HubPull, actions: Actions): ShownPull {
  const labels = (pull.labels ?? []).map(({ name }) => ({ name }))
  const { id, clone_url, full_name, ssh_url, default_branch } = pull.base.repo
  return {
    number: pull.number,
    repositoryId: String(id),
    sha: pull.state === 'open' ? pull.head.sha : null,
    base: pull.base.ref,
    draft: pull.draft ?? false,
    labels: labels.map(({ name }) => name),
    told: ({ what, before }) => ({
      action: actions[what],
      ...(before === null ? {} : { before }),
      number: pull.number,
      pull_request: {
        ...{ title: pull.title, draft: pull.draft ?? false, labels },
        merged: pull.merged ?? typeof pull.merged_at === 'string',
        user: pull.user ? { login: pull.user.login } : null,
        ...(pull.author_association === undefined ? {} : { author_association: pull.author_association }),
        head: { sha: pull.head.sha, ref: pull.head.ref, repo: headOf(pull) },
        base: { sha: pull.base.sha, ref: pull.base.ref },
      },
      repository: { id, clone_url, full_name, ssh_url, default_branch },
    }),
  }
}

function headOf({ head: { repo } }: HubPull) {
  return repo ? { id: repo.id, owner: repo.owner ? { login: repo.owner.login } : null } : null
}
