import { publicGit } from './public-git.ts'
import { withPull } from './pull.ts'
import { startHouse } from './server.ts'

const ALL = '{ push: main, pull_request: main }'

/** A house with a project whose pull request 2 comes from a fork. */
export async function forked(triggers = ALL, jobs?: string) {
  const stack = new AsyncDisposableStack()
  const house = stack.use(await startHouse())
  const git = stack.use(await publicGit())
  const pull = await withPull(house, git, triggers, jobs)
  const fork = (sha: string) => ({ pull: { head: { sha, ref: 'main', repo: { id: 7 } } } })
  return {
    ...{ house, git, pull },
    say: (action: string, sha: string) => pull.say(action, fork(sha)),
    heads: async (query = '?state=waiting', as = house.token) =>
      (await house.ask(`GET /api/v1/pulls${query}`, undefined, { as })).body.items,
    decide: (
      verdict: string,
      head: string,
      { as = house.token, comment = undefined as string | undefined } = {},
    ) => house.ask(`POST /api/v1/projects/shop/pulls/2/${verdict}`, { head, comment }, { as }),
    runs: async () => (await house.ask('GET /api/v1/runs?lane=pr/2')).body.items,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
