import type { CheckoutOf } from './plan-of.ts'

/** The name is every run's: by it, and not by the password, a runner knows which copy of a repository it may take. */
const NAME = 'run'
const ofRun = (id: number, lease: string) => ({ username: NAME, password: `${id}.${lease}` })

/** The run and the lease that somebody shows; null: it is somebody else, with whatever name and password. */
export function shownLease(username: string, password: string): { run: number; token: string } | null {
  const [, run, token] = /^(\d{1,15})\.(.+)$/s.exec(password) ?? []
  return username === NAME && run && token ? { run: Number(run), token } : null
}

/**
 * Repositories of ours open to the run's own lease, others to nobody in particular. Our token for GitHub opens those that a
 * project was added with, and none that somebody merely names in a pipeline file.
 */
export const checkouts =
  (publicUrl: () => string, githubToken: string | undefined): CheckoutOf =>
  ({ kind, url, ofProject }, { id, lease }) => {
    if (kind === 'hosted') {
      return { url: `${publicUrl()}/git/${url}.git`, credential: ofRun(id, lease) }
    }
    const credential =
      kind === 'github' && ofProject && githubToken
        ? { username: 'x-access-token', password: githubToken }
        : null
    return { url, credential }
  }
