import type { Verdict } from '#pipelines/statuses/verdict.ts'
import { postJson } from '../forges/ask-json.ts'
import { waitOf } from '../forges/forge-refusal.ts'
import type { Forge } from './forge.ts'

/** Gitea's and Forgejo's words: they know amber. */
const STATE: Readonly<Record<Verdict, 'pending' | 'success' | 'error' | 'failure' | 'warning'>> = {
  queued: 'pending',
  running: 'pending',
  waiting: 'pending',
  succeeded: 'success',
  allowed: 'warning',
  skipped: 'success',
  failed: 'failure',
  errored: 'error',
  cancelled: 'error',
}
const MOST_DESCRIPTION = 255

export function gitea({ url, token }: { readonly url: string; readonly token: string }): Forge {
  return {
    name: 'gitea',
    host: new URL(url).host,
    async tell({ repository, sha, ...status }, signal) {
      const path = repository.split('/').map(encodeURIComponent).join('/')
      const response = await postJson({
        forge: 'Gitea',
        url: `${url.replace(/\/+$/, '')}/api/v1/repos/${path}/statuses/${sha}`,
        headers: { authorization: `token ${token}` },
        body: {
          ...{ state: STATE[status.verdict], context: status.name, target_url: status.link },
          description: status.words.slice(0, MOST_DESCRIPTION),
        },
        signal,
      })
      return { externalId: null, restMs: waitOf((name) => response.headers.get(name), Date.now()) ?? 0 }
    },
  }
}
