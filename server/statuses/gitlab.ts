import type { Verdict } from '#pipelines/statuses/verdict.ts'
import { postJson } from '../forges/ask-json.ts'
import { ForgeRefusal, waitOf } from '../forges/forge-refusal.ts'
import type { Forge } from './forge.ts'

/** GitLab's words. It has no amber for what others tell it, and no word for what broke for no fault of the commit. */
const STATE: Readonly<Record<Verdict, 'pending' | 'running' | 'success' | 'failed' | 'canceled'>> = {
  queued: 'pending',
  running: 'running',
  waiting: 'pending',
  succeeded: 'success',
  allowed: 'success',
  skipped: 'success',
  failed: 'failed',
  errored: 'failed',
  cancelled: 'canceled',
}
const MOST_DESCRIPTION = 255

export function gitlab({ url, token }: { readonly url: string; readonly token: string }): Forge {
  return {
    name: 'gitlab',
    host: new URL(url).host,
    async tell({ repository, sha, ref, ...status }, signal) {
      const body = {
        ...{ state: STATE[status.verdict], name: status.name, target_url: status.link },
        description: status.words.slice(0, MOST_DESCRIPTION),
        ...(ref === null ? {} : { ref }),
      }
      const project = encodeURIComponent(repository)
      const at = `${url.replace(/\/+$/, '')}/api/v4/projects/${project}/statuses/${sha}`
      try {
        const headers = { 'private-token': token }
        const response = await postJson({ forge: 'GitLab', url: at, headers, body, signal })
        return { externalId: null, restMs: waitOf((name) => response.headers.get(name), Date.now()) ?? 0 }
      } catch (error) {
        if (!(error instanceof ForgeRefusal && /Cannot transition status/i.test(error.message))) throw error
        return { externalId: null, restMs: 0 } // it says so already: what arrives twice is refused there
      }
    },
  }
}
