import type { InferResponseType } from 'hono/client'
import type { Role } from '#pipelines/access/roles.ts'
import { answer, type Answer, body, part, v1 } from './api.ts'

export type Sessions = InferResponseType<typeof v1.sessions.$get, 200>
export type Session = Sessions['items'][number]
export type Tokens = InferResponseType<typeof v1.tokens.$get, 200>
export type Token = Tokens['items'][number]
export type FreshToken = InferResponseType<typeof v1.tokens.$post, 201>
export type TokenWish = {
  readonly name: string
  readonly role?: Role
  readonly project?: string
  readonly expires_at?: string
}
export type Users = InferResponseType<typeof v1.users.$get, 200>
export type User = Users['items'][number]

/** What people do with their own account. */
export const account = {
  /** @param current  The present password; null where there is none yet. */
  setPassword: async (current: string | null, password: string): Promise<void> => {
    const json = current === null ? { password } : { current, password }
    await body(done(v1.me.password.$put({ json })))
  },
  sessions: (signal: AbortSignal) => answer(v1.sessions.$get({}, { init: { signal } })),
  endSession: async (id: number): Promise<void> => {
    await body(done(v1.sessions[':id'].$delete({ param: { id: String(id) } })))
  },
  endOtherSessions: () => body(v1.sessions.$delete()),
}

/** Where the tokens of somebody are given out and taken back: one’s own, or a program’s. */
export type TokenDesk = {
  readonly list: (signal: AbortSignal) => Promise<Answer<Tokens>>
  /** The secret is in the answer, and in none after it. */
  readonly add: (wish: TokenWish) => Promise<FreshToken>
  readonly end: (id: number) => Promise<void>
}

export const ownTokens: TokenDesk = {
  list: (signal) => answer(v1.tokens.$get({}, { init: { signal } })),
  add: (wish) => body(v1.tokens.$post({ json: wish })),
  end: async (id) => void (await body(done(v1.tokens[':id'].$delete({ param: { id: String(id) } })))),
}

export type Invitation = InferResponseType<typeof v1.invitations.look.$post, 200>

const loginProviders = v1['login-providers']
const loginWays = v1['login-ways']
const logins = v1.me.logins
export type LoginProviders = InferResponseType<typeof loginProviders.$get, 200>['items']
export type LinkedLogins = InferResponseType<typeof logins.$get, 200>
type ProviderId = LoginProviders[number]['id']
/** What a way to a provider is for, besides signing in. */
export type Errand = { readonly to?: string; readonly link?: true; readonly invitation?: string }

/** Signing in by what somebody is elsewhere. */
export const elsewhere = {
  providers: async (): Promise<LoginProviders> => (await body(loginProviders.$get())).items,
  linked: (signal: AbortSignal) => answer(logins.$get({}, { init: { signal } })),
  /** Leaves this page for the provider's. */
  go: async (provider: ProviderId, errand: Errand): Promise<void> => {
    const { url } = await body(loginWays.$post({ json: { provider, ...errand } }))
    location.assign(url)
  },
  part: async (provider: ProviderId): Promise<void> => {
    await body(done(logins[':provider'].$delete({ param: { provider } })))
  },
}

/** What whoever holds an invitation's link may do with it. */
export const invitation = {
  look: (secret: string) => body(v1.invitations.look.$post({ json: { secret } })),
  joinAsNew: (secret: string, name: string, password: string) =>
    body(v1.invitations.accept.$post({ json: { secret, name, password } })),
  join: (secret: string) => body(v1.invitations.accept.$post({ json: { secret } })),
}

const oneUser = v1.users[':name']
const named = (name: string) => ({ param: { name: part(name) } })

/** What admins of the server do about accounts. */
export const people = {
  list: (signal: AbortSignal) => answer(v1.users.$get({ query: { limit: '200' } }, { init: { signal } })),
  disable: async (name: string): Promise<void> => void (await body(done(oneUser.disable.$post(named(name))))),
  enable: async (name: string): Promise<void> => void (await body(done(oneUser.enable.$post(named(name))))),
  setRole: async (name: string, role: 'admin' | 'member'): Promise<void> =>
    void (await body(done(oneUser.role.$put({ ...named(name), json: { role } })))),
  /** A one-time link for somebody who forgot their password. */
  linkFor: async (name: string): Promise<string> =>
    (await body(oneUser['login-links'].$post(named(name)))).url,
}

type Reply = Pick<Response, 'ok' | 'status' | 'headers'> & { json(): Promise<unknown> }

/** An answer without a body reads as null. */
export const done = async (asked: Promise<Reply>): Promise<Reply> => {
  const reply = await asked
  return reply.status === 204 ? { ...copied(reply), json: async () => null } : reply
}
const copied = ({ ok, status, headers }: Reply) => ({ ok, status, headers })
