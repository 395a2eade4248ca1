import { call, send } from './call.ts'
import { readConfig } from './config.ts'
import { localTime, note, out, outJson, table } from './print.ts'

type Json = { readonly json?: true }
type User = {
  readonly name: string
  readonly kind: 'person' | 'service'
  readonly role: string
  readonly email: string | null
  readonly organization: string | null
  readonly seen_at: string | null
  readonly disabled_at: string | null
}
type UserList = { readonly items: readonly User[]; readonly next: string | null }

const at = (name: string, act: string) => `/api/v1/users/${encodeURIComponent(name)}/${act}`

/** Everybody who has an account, page by page. */
export async function listUsers({ json }: Json): Promise<number> {
  const config = readConfig()
  const items: User[] = []
  for (let after: string | null = ''; after !== null;) {
    const query: Record<string, string | undefined> = { after: after === '' ? undefined : after }
    const page: UserList = await call<UserList>(config, '/api/v1/users', { query })
    items.push(...page.items)
    after = page.next
  }
  if (json) outJson({ items, next: null })
  else out(table(['NAME', 'KIND', 'ROLE', 'E-MAIL', 'SEEN', 'STATE'], items.map(row)))
  return 0
}

const row = (user: User) => [
  user.name,
  user.organization === null ? user.kind : `${user.kind} of ${user.organization}`,
  user.role,
  user.email ?? '-',
  user.seen_at === null ? 'never' : localTime(user.seen_at),
  user.disabled_at === null ? 'in' : `out since ${localTime(user.disabled_at)}`,
]

const DONE = {
  disable: 'is shut out: sessions have ended, tokens open nothing',
  enable: 'may come in again',
} as const

export async function actOn(act: keyof typeof DONE, name: string): Promise<number> {
  await send(readConfig(), at(name, act), { method: 'POST', body: {} })
  note(`${name} ${DONE[act]}`)
  return 0
}

export async function setRole(name: string, role: string): Promise<number> {
  await send(readConfig(), at(name, 'role'), { method: 'PUT', body: { role } })
  note(`${name} is now ${role} of the server`)
  return 0
}

/** A fresh address that signs somebody else in, once. */
export async function linkFor(name: string, { json }: Json): Promise<number> {
  const link = await call<{ url: string }>(readConfig(), at(name, 'login-links'), {
    method: 'POST',
    body: {},
  })
  if (json) outJson(link)
  else {
    note(`give this to ${name}; it works once, within a day:`)
    out(link.url)
  }
  return 0
}

type Offer = {
  readonly role?: string
  readonly team?: string
  readonly email?: string
  readonly days?: number
}

/** A link for somebody who has no account yet, or none there. */
export async function invite(organization: string, { json, ...offer }: Json & Offer): Promise<number> {
  const path = `/api/v1/organizations/${encodeURIComponent(organization)}/invitations`
  const made = await call<{ url: string; expires_at: string }>(readConfig(), path, {
    method: 'POST',
    body: offer,
  })
  if (json) outJson(made)
  else {
    note(`send this to whom you invite; it works once, until ${localTime(made.expires_at)}:`)
    out(made.url)
  }
  return 0
}

/** Make an account for a program; it is let in by tokens: `takt tokens add --of`. */
export async function addService(
  organization: string,
  name: string,
  { json, role }: Json & { readonly role?: string },
): Promise<number> {
  const path = `/api/v1/organizations/${encodeURIComponent(organization)}/service-accounts`
  const made = await call<object>(readConfig(), path, {
    method: 'POST',
    body: role === undefined ? { name } : { name, role },
  })
  if (json) outJson(made)
  else note(`service account ${name} made: takt tokens add ci --of ${organization}/${name}`)
  return 0
}
