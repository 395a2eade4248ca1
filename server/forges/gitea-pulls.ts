import { z } from 'zod'
import { getJson, readAnswer } from './ask-json.ts'
import { HubPull, shownHub } from './github-shapes.ts'
import { allPages, missingIn, type PullForge } from './pull-lists.ts'

const ON_A_PAGE = 50
const ACTIONS = {
  opened: 'opened',
  reopened: 'reopened',
  pushed: 'synchronized',
  changed: 'label_updated',
  closed: 'closed',
} as const

/** The pull requests of Gitea and Forgejo. A draft is what its title says, where the forge does not say it itself. */
export const giteaPulls = ({ url, token }: { readonly url: string; readonly token: string }): PullForge => ({
  name: 'gitea',
  host: new URL(url).host,
  event: 'pull_request',
  async pulls({ repository, open, signal }) {
    const path = repository.split('/').map(encodeURIComponent).join('/')
    const at = `${url.replace(/\/+$/, '')}/api/v1/repos/${path}/pulls`
    const headers = { authorization: `token ${token}` }
    const ask = (to: string) => getJson({ forge: 'Gitea', url: at + to, headers, signal })
    const listed = await allPages({
      size: ON_A_PAGE,
      page: async (page) =>
        readAnswer(z.array(HubPull), await ask(`?state=open&limit=${ON_A_PAGE}&page=${page}`)),
    })
    const single: HubPull[] = []
    for (const number of missingIn(open, listed)) single.push(readAnswer(HubPull, await ask(`/${number}`)))
    return [...listed, ...single].map((pull) => shownHub(withDraft(pull), ACTIONS))
  },
})

const DRAFT = /^\s*(\[wip\]|wip:)/i
const withDraft = (pull: HubPull): HubPull => ({ ...pull, draft: pull.draft ?? DRAFT.test(pull.title) })
