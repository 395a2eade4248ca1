import { text } from 'node:stream/consumers'
import type { z } from 'zod'
import { EVERYWHERE, type Scope, scopeWords } from '#pipelines/plan/secret-scopes.ts'
import type { SecretOfJob } from '../lines/secret-routes.ts'
import type { Secret } from '../secrets/shapes.ts'
import { STORE_WORDS } from '../secrets/stores/store.ts'
import { call, send } from './call.ts'
import { readConfig } from './config.ts'
import { Ending, WRONG_USE } from './ending.ts'
import { memberAt } from './places.ts'
import { note, out, outJson, plain, table } from './print.ts'

type Json = { readonly json?: true }
type Of = { readonly organization?: true }
type ScopeGiven = { readonly [Key in keyof Scope]?: string }
type Lying = { readonly store?: string; readonly reference?: string }
type Shown = z.output<typeof Secret>

function at(owner: string, { organization }: Of, name?: string): string {
  const whose = organization ? 'organizations' : 'projects'
  const one = name === undefined ? '' : `/${encodeURIComponent(name)}`
  return `/api/v1/${whose}/${encodeURIComponent(owner)}/secrets${one}`
}

/** Store what stands on standard input: an argument would be seen in the list of processes and kept by the shell. */
export async function setSecret(
  owner: string,
  name: string,
  options: Of & ScopeGiven & Lying,
): Promise<number> {
  const { store, reference } = options
  if ((store === undefined) !== (reference === undefined))
    throw new Ending(WRONG_USE, 'say both: --store vault --reference deploy/keys#private')
  const kept = store === undefined ? { value: await valueTyped(owner, name) } : { store, reference }
  const body = { ...kept, ...given(options) }
  const set = await call<Shown>(readConfig(), at(owner, options, name), { method: 'PUT', body })
  note(`secret ${name} of ${owner} set, ${plain(scopeWords(set))}${plain(lying(set))}`)
  return 0
}

const lying = ({ store, reference }: Pick<Shown, 'store' | 'reference'>) =>
  store === null ? '' : `; it lies in ${STORE_WORDS[store]} at ${reference}`

async function valueTyped(owner: string, name: string): Promise<string> {
  if (process.stdin.isTTY) note('type or paste the value, then Enter and Ctrl-D; it is shown while you type')
  const said = await text(process.stdin)
  // The line end is the shell's or the editor's; a secret whose own ends in one loses nothing that its users miss.
  const value = said.replace(/\r?\n$/, '')
  if (value === '')
    throw new Ending(WRONG_USE, `nothing stood on standard input: takt secrets set ${owner} ${name} < file`)
  return value
}

export async function listSecrets(owner: string, { json, ...of }: Json & Of): Promise<number> {
  const list = await call<{ items: readonly Shown[]; inherited?: readonly Shown[] }>(
    readConfig(),
    at(owner, of),
  )
  const all = [...list.items, ...(list.inherited ?? [])]
  if (json) outJson(list)
  else if (all.length === 0) note(`${owner} has no secrets: takt secrets set ${owner} <NAME> < file`)
  else out(table(['NAME', 'OF', 'FOR', 'LIES', 'SET', 'BY'], all.map(row)))
  return 0
}

const row = (secret: Shown) => [
  secret.name,
  secret.owner,
  scopeWords(secret).replace(/^for /, ''),
  secret.store === null ? 'here' : `${secret.store} ${secret.reference}`,
  secret.updated_at,
  secret.updated_by,
]

export async function removeSecret(owner: string, name: string, options: Of & ScopeGiven): Promise<number> {
  await send(readConfig(), at(owner, options, name), { method: 'DELETE', query: given(options) })
  note(`secret ${name} of ${owner} removed`)
  return 0
}

/** The server says what is wrong with any of it. */
const given = ({ environment, job, trigger, branch }: ScopeGiven) => ({ environment, job, trigger, branch })

type Asked = { readonly lane?: string; readonly trigger?: string }
type Explained = {
  readonly lane: string
  readonly trigger: string | null
  readonly trusted: boolean
  readonly items: readonly z.output<typeof SecretOfJob>[]
}

export async function explainSecrets(job: string, { json, lane, trigger }: Json & Asked): Promise<number> {
  const path = `${memberAt('jobs', job)}/secrets`
  const told = await call<Explained>(readConfig(), path, { query: { lane, trigger } })
  if (json) outJson(told)
  else if (told.items.length === 0) note(`${job} asks for no secrets`)
  else out(explained(job, told))
  return 0
}

function explained(job: string, { lane, trigger, trusted, items }: Explained): string {
  const start = trigger === null ? '' : `, started by ${trigger}`
  const lines = items.flatMap(({ name, chosen, passed_over }) => [
    `  ${plain(name)}  ${chosen ? whose(chosen) : trusted ? 'none: the run would end with an error' : 'withheld'}`,
    ...passed_over.map((other) => `    not ${whose(other)}: ${plain(other.because)}`),
  ])
  return [`${plain(job)} on ${plain(lane)}${start}`, ...lines].join('\n')
}

const whose = ({
  owner,
  store,
  ...scope
}: Scope & { owner: string; store: keyof typeof STORE_WORDS | null }) =>
  plain(
    `the ${owner}’s, ${scopeWords({ ...EVERYWHERE, ...scope })}${store === null ? '' : `, in ${STORE_WORDS[store]}`}`,
  )
