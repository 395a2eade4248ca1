import type { CheckoutOf } from './plan-of.ts'

/**
 * Repositories of ours open to the run's own lease, others to nobody in particular. Our token for GitHub opens those that a
 * project was added with, and none that somebody merely names in a pipeline file.
 */
export const checkouts =
  (publicUrl: () => string, githubToken: string | undefined): CheckoutOf =>
  ({ kind, url, ofProject }, { id, lease }) => {
    if (kind === 'hosted') {
      return { url: `${publicUrl()}/git/${url}.git`, credential: { username: `run-${id}`, password: lease } }
    }
    const credential =
      kind === 'github' && ofProject && githubToken
        ? { username: 'x-access-token', password: githubToken }
        : null
    return { url, credential }
  }
