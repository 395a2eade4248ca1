import type { InferResponseType } from 'hono/client'
import type { Role } from '#pipelines/access/roles.ts'
import { done, type TokenDesk } from './account-api.ts'
import { answer, body, part, v1 } from './api.ts'

const all = v1.organizations[':organization']['service-accounts']
const one = all[':account']

export type ServiceAccount = InferResponseType<typeof all.$get, 200>['items'][number]

const at = (organization: string) => ({ param: { organization: part(organization) } })
const named = (organization: string, account: string) => ({
  param: { ...at(organization).param, account: part(account) },
})

/** The programs of an organization, which are let in by their tokens alone. */
export const serviceAccounts = {
  list: (organization: string, signal: AbortSignal) =>
    answer(all.$get(at(organization), { init: { signal } })),
  /** @param role  In all of the organization; null: it gets roles in single projects later. */
  add: (organization: string, name: string, role: Role | null) =>
    body(all.$post({ ...at(organization), json: role === null ? { name } : { name, role } })),
  disable: async (organization: string, account: string): Promise<void> =>
    void (await body(done(one.$delete(named(organization, account))))),
  tokens: (organization: string, account: string): TokenDesk => ({
    list: (signal) => answer(one.tokens.$get(named(organization, account), { init: { signal } })),
    add: (wish) => body(one.tokens.$post({ ...named(organization, account), json: wish })),
    end: async (id) => {
      const param = { ...named(organization, account).param, id: String(id) }
      await body(done(one.tokens[':id'].$delete({ param })))
    },
  }),
}
