import { z } from 'zod'
import { expect, type Meaning, readGithub, sha } from './payloads.ts'

/** What Gitea and Forgejo call otherwise than GitHub. */
const ACTIONS: Readonly<Record<string, string>> = {
  synchronized: 'synchronize',
  label_updated: 'labeled',
  label_cleared: 'unlabeled',
}
const Created = z.object({ sha, ref: z.string().max(500), ref_type: z.enum(['branch', 'tag']) })
const Acted = z.looseObject({ action: z.string().max(100) })
/** A draft is what its title says, until the forge says it itself. */
const Titled = z.looseObject({ title: z.string(), draft: z.boolean().optional() })
const DRAFT = /^\s*(\[wip\]|wip:)/i

/**
 * What Gitea and Forgejo say, in shapes that they have from GitHub. A new ref is told with its commit: older ones of them send no push
 * for it.
 *
 * @throws {Error} In words, when the payload is not what they promise.
 */
export function readGitea(event: string, payload: unknown): Meaning {
  switch (event) {
    case 'create': {
      const { ref_type, ...made } = expect(Created, payload)
      const whole = `refs/${ref_type === 'branch' ? 'heads' : 'tags'}/${made.ref}`
      const zero = '0'.repeat(made.sha.length)
      return readGithub('push', { ...Object(payload), ref: whole, before: zero, after: made.sha })
    }
    case 'pull_request': {
      const { action, ...rest } = expect(Acted, payload)
      const pull = Titled.safeParse(rest['pull_request'])
      const pull_request = pull.success
        ? { ...pull.data, draft: pull.data.draft ?? DRAFT.test(pull.data.title) }
        : rest['pull_request']
      const theirs = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : action
      return readGithub(event, { ...rest, pull_request, action: theirs })
    }
    case 'push':
    case 'delete':
      return readGithub(event, payload)
    case 'ping':
      return readGithub(event, payload)
    default:
      // What a check is, and an installation, Gitea does not know.
      return readGithub(/^(check_|installation)/.test(event) ? 'unknown' : event, payload)
  }
}
