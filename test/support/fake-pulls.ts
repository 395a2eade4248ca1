/** Pull requests as people open, push to and close them on a forge; each forge shows them in its own words. */
export type FakePull = {
  readonly number: number
  readonly sha: string
  readonly state?: 'open' | 'closed' | 'merged'
  readonly draft?: boolean
  readonly labels?: readonly string[]
  readonly base?: string
  /** From another repository than the one it is to be merged into. */
  readonly fork?: boolean
  /** The forge's number of the repository. */
  readonly repository?: number
}

export const BASE_SHA = 'b'.repeat(40)
const HOME = 42
const FORK = 43

/** As GitHub and Gitea show one. */
export const hubPull = (pull: FakePull, clone_url: string) => {
  const { number, sha, state = 'open', draft = false, labels = [], base = 'main', fork = false } = pull
  const home = {
    ...{ id: pull.repository ?? HOME, full_name: 'acme/shop', clone_url, default_branch: 'main' },
    owner: { login: 'acme' },
  }
  const from = fork ? { id: FORK, full_name: 'eve/shop', clone_url, owner: { login: 'eve' } } : home
  return {
    ...{ number, title: `Pull ${number}`, state: state === 'open' ? 'open' : 'closed', draft },
    ...{ merged: state === 'merged', labels: labels.map((name) => ({ id: 1, name })) },
    ...{ user: { login: fork ? 'eve' : 'ann' }, author_association: 'NONE' },
    ...{ head: { sha, ref: 'work', repo: from }, base: { sha: BASE_SHA, ref: base, repo: home } },
  }
}

/** As GitLab shows one. */
export const labRequest = (pull: FakePull) => {
  const { number, sha, state = 'open', draft = false, labels = [], base = 'main', fork = false } = pull
  const home = pull.repository ?? HOME
  return {
    ...{ iid: number, title: `Pull ${number}`, state: state === 'open' ? 'opened' : state, draft, labels },
    ...{ author: { id: 5, username: 'ann' }, source_branch: 'work', target_branch: base, sha },
    ...{ source_project_id: fork ? FORK : home, target_project_id: home },
  }
}

type Shown = { readonly path: string; readonly query: URLSearchParams }

/** A forge's list of those that are open, in pages; and each by itself. Null where something else is asked for. */
export function showPulls(
  all: ReadonlyMap<number, FakePull>,
  { path, query }: Shown,
  { at, size, as }: { readonly at: string; readonly size: string; as(pull: FakePull): object },
): Response | null {
  if (path === at) {
    const [per, page] = [Number(query.get(size)), Number(query.get('page'))]
    const open = [...all.values()].filter(({ state = 'open' }) => state === 'open')
    return Response.json(open.slice((page - 1) * per, page * per).map(as))
  }
  const number = path.startsWith(`${at}/`) ? Number(path.slice(at.length + 1)) : NaN
  const pull = all.get(number)
  return pull ? Response.json(as(pull)) : null
}
