import { z } from 'zod'
import type { PushedImage } from './read-registry.ts'

const word = z.string().max(500)
const sha = z.string().regex(/^[0-9a-f]{40,64}$/)

/** Somebody wants a line to run again for a commit: of a pipeline, or of all that ran it. */
export type Again = { readonly sha: string; readonly by: string; readonly of: AgainOf }
type AgainOf =
  /** The page that the check of ours links to. */
  | { readonly page: string }
  /** All checks that this app of GitHub made. */
  | { readonly app: string }

const sender = z.object({ login: word }).optional()
const CheckRun = z.object({
  action: word,
  check_run: z.object({ head_sha: sha, details_url: z.string().max(2_000).nullish() }),
  sender,
})
const CheckSuite = z.object({
  action: word,
  check_suite: z.object({ head_sha: sha, app: z.object({ id: z.number().int() }) }),
  sender,
})

const ASKS = ['rerequested', 'requested_action']

/** Whether somebody pressed the button that runs a check again. Null: it is something else that befell a check. */
export function againIn(event: string, payload: unknown): Again | null {
  if (event === 'check_run') {
    const told = CheckRun.safeParse(payload).data
    if (!told || !ASKS.includes(told.action)) return null
    const { head_sha, details_url } = told.check_run
    return { sha: head_sha, by: told.sender?.login ?? 'somebody', of: { page: details_url ?? '' } }
  }
  const told = event === 'check_suite' ? CheckSuite.safeParse(payload).data : undefined
  if (told?.action !== 'rerequested') return null
  const { head_sha, app } = told.check_suite
  return { sha: head_sha, by: told.sender?.login ?? 'somebody', of: { app: String(app.id) } }
}

const Listed = z.array(z.object({ id: z.number().int(), full_name: word })).max(10_000)
const Installation = z.object({
  action: word,
  repositories: Listed.optional(),
  repositories_added: Listed.optional(),
  repositories_removed: Listed.optional(),
})

/** Which repositories an app of GitHub may read from now on, and which no more. */
export type Installed = {
  readonly gained: z.output<typeof Listed>
  readonly lost: z.output<typeof Listed>
}
const GAINING = ['created', 'unsuspend', 'new_permissions_accepted', 'added']

/** Null where the event speaks of no installation. */
export function installedIn(event: string, payload: unknown): Installed | null {
  if (event !== 'installation' && event !== 'installation_repositories') return null
  const told = Installation.safeParse(payload).data
  if (!told) return null
  const { action, repositories = [], repositories_added = [], repositories_removed = [] } = told
  if (event === 'installation_repositories') return { gained: repositories_added, lost: repositories_removed }
  return GAINING.includes(action) ? { gained: repositories, lost: [] } : { gained: [], lost: repositories }
}

const container = z.object({
  name: word,
  namespace: word.nullish(),
  package_type: word.optional(),
  type: word.optional(),
  owner: z.object({ login: word }).nullish(),
})
const Package = z.object({
  action: word,
  package: container.optional(),
  registry_package: container.optional(),
})

/** The images that a forge's own registry says were pushed; none where it speaks of other packages. */
export function imagesIn(payload: unknown): PushedImage[] {
  const told = Package.safeParse(payload).data
  const pack = told?.package ?? told?.registry_package
  if (!told || !pack || !/^(published|created|updated)$/.test(told.action)) return []
  if (!/^container$/i.test(pack.package_type ?? pack.type ?? '')) return []
  const owner = pack.owner?.login ?? pack.namespace ?? ''
  return [{ path: `${owner}/${pack.name}`.toLowerCase(), tag: null }]
}
