import { z } from 'zod'
import { readAnswer } from './ask-json.ts'
import { ForgeRefusal } from './forge-refusal.ts'
import { asking, clientsOf, type GithubSettings, githubHost, NoChecks, placeOf } from './github-client.ts'
import { HubPull, shownHub } from './github-shapes.ts'
import { allPages, missingIn, type PullForge } from './pull-lists.ts'

const ON_A_PAGE = 100
const ACTIONS = {
  opened: 'opened',
  reopened: 'reopened',
  pushed: 'synchronize',
  changed: 'labeled',
  closed: 'closed',
} as const

/** The pull requests of GitHub, and of servers that speak its API. */
export function githubPulls({ api, access }: GithubSettings): PullForge {
  const clients = clientsOf(api, access)
  return {
    name: 'github',
    host: githubHost(api),
    event: 'pull_request',
    async pulls({ repository, open, signal }) {
      const request = { signal }
      const octokit = await clients(repository, signal)
      const at = { ...placeOf(repository), request }
      const listed = await allPages({
        size: ON_A_PAGE,
        page: async (page) => {
          const open = { ...at, state: 'open' as const, per_page: ON_A_PAGE, page }
          return readAnswer(z.array(HubPull), (await asked(() => octokit.pulls.list(open))).data)
        },
      })
      const single: HubPull[] = []
      for (const pull_number of missingIn(open, listed)) {
        const { data } = await asked(() => octokit.pulls.get({ ...at, pull_number }))
        single.push(readAnswer(HubPull, data))
      }
      return [...listed, ...single].map((pull) => shownHub(pull, ACTIONS))
    },
  }
}

/** A token that may not read them is told of in the words of one that may not make checks. */
const asked = <T>(ask: () => Promise<T>): Promise<T> =>
  asking(ask).catch((error: unknown) => {
    throw error instanceof NoChecks
      ? new ForgeRefusal('this', `GitHub answered 403: ${error.message}`)
      : error
  })
