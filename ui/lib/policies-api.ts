import type { InferResponseType } from 'hono/client'
import { body, part, v1 } from './api.ts'

const ofOne = v1.organizations[':organization'].policies

export type Policies = InferResponseType<typeof ofOne.$get, 200>
export type TriedPolicies = InferResponseType<typeof ofOne.try.$post, 200>
export type PolicyFinding = TriedPolicies['items'][number]

/** The server answers with no more findings than these; there may be others behind them. */
export const MOST_FINDINGS = 500

const at = (organization: string) => ({ param: { organization: part(organization) } })

/** What an organization lets its lines use, as it is written. */
export const policies = {
  get: (organization: string, signal: AbortSignal) =>
    body(ofOne.$get(at(organization), { init: { signal } })),
  /** @param version Of those that were read: where somebody else has saved meanwhile, nothing is set. */
  set: (organization: string, source: string, version: number) => {
    const header = version === 0 ? { 'if-none-match': '*' as const } : { 'if-match': `"${version}"` }
    return body(ofOne.$put({ ...at(organization), header, json: { source } }))
  },
  /** What they would say of the files in force now; nothing is set. */
  attempt: (organization: string, source: string) =>
    body(ofOne.try.$post({ ...at(organization), json: { source } })),
}
