import type { InferResponseType } from 'hono/client'
import { reaches, type Role } from '#pipelines/access/roles.ts'
import type { Scope, Start } from '#pipelines/plan/secret-scopes.ts'
import { done } from './account-api.ts'
import { answer, type Answer, body, part, v1 } from './api.ts'
import type { SecretsOwner } from './places.ts'

const ofProject = v1.projects[':project'].secrets
const ofOrganization = v1.organizations[':organization'].secrets

const ofJob = v1.projects[':project'].pipelines[':pipeline'].jobs[':job'].secrets
export type ExplainedSecret = InferResponseType<typeof ofJob.$get, 200>['items'][number]
/** Where a job would run. Nulls: on the default branch; by what makes the lane. */
export type JobRun = {
  readonly project: string
  readonly pipeline: string
  readonly job: string
  readonly lane: string | null
  readonly trigger: Start | null
}

export type Secret = InferResponseType<typeof ofProject.$get, 200>['items'][number]

/** The secrets of a project or an organization, as far as the asker may know of them. */
export type KeptSecrets = {
  /** What the asker is there. */
  readonly role: Role | null
  readonly items: readonly Secret[]
  /** Those of the project’s organization, which it may use, too. */
  readonly inherited: readonly Secret[]
  /** The organization that the project is in; null of an organization. */
  readonly organization: string | null
  /** Where else secrets may lie. */
  readonly stores: readonly StoreName[]
}

export type StoreName = NonNullable<Secret['store']>
export const STORE_WORDS: Readonly<Record<StoreName, string>> = {
  vault: 'Vault',
  aws: 'AWS Secrets Manager',
  gcp: 'Google Cloud Secret Manager',
}
export const START_WORDS: Readonly<Record<Start, string>> = {
  push: 'a push',
  tag: 'a tag',
  schedule: 'the clock',
  manual: 'a person',
  upstream: 'a job before it',
}

/** A value to keep, or where one lies. */
export type Kept = { readonly value: string } | { readonly store: StoreName; readonly reference: string }

const inProject = ({ name }: SecretsOwner) => ({ project: part(name) })
const inOrganization = ({ name }: SecretsOwner) => ({ organization: part(name) })

/** Their names are for maintainers, so nobody else asks for them. */
const isKeeper = (role: Role | null) => reaches(role, 'maintainer')

async function ofOneProject(owner: SecretsOwner, signal: AbortSignal): Promise<Answer<KeptSecrets>> {
  const init = { init: { signal } }
  const projects = await answer(v1.projects.$get({}, init))
  const project = projects.body.items.find(({ name }) => name === owner.name)
  const { role = null, organization = null } = project ?? {}
  const none = { role, organization, items: [], inherited: [], stores: [] }
  if (project && !isKeeper(role)) return { cursor: projects.cursor, body: none }
  // A project that is not in the list is asked for all the same: the server says best what is the matter.
  const found = await body(ofProject.$get({ param: inProject(owner) }, init))
  const { items, inherited, stores } = found
  return { cursor: projects.cursor, body: { ...none, items, inherited, stores } }
}

async function ofOneOrganization(owner: SecretsOwner, signal: AbortSignal): Promise<Answer<KeptSecrets>> {
  const init = { init: { signal } }
  const param = inOrganization(owner)
  const one = await answer(v1.organizations[':organization'].$get({ param }, init))
  const none = { role: one.body.role, organization: null, items: [], inherited: [], stores: [] }
  if (!isKeeper(one.body.role)) return { cursor: one.cursor, body: none }
  const { items, stores } = await body(ofOrganization.$get({ param }, init))
  return { cursor: one.cursor, body: { ...none, items, stores } }
}

/** A scope as it is asked for: what is for any is left out. */
const asked = ({ environment, job, trigger, branch }: Scope) => ({
  ...(environment === null ? {} : { environment }),
  ...(job === null ? {} : { job }),
  ...(trigger === null ? {} : { trigger }),
  ...(branch === null ? {} : { branch }),
})

/** One of the secrets of a name, by what it is for. */
export type Named = Scope & { readonly name: string }
export const keyOfSecret = ({ name, environment, job, trigger, branch }: Named): string =>
  JSON.stringify([name, environment, job, trigger, branch])

/** What people do about secrets. A value goes to the server, and none comes back. */
export const secrets = {
  /** Which ones a job would get, and why not others of the same names. */
  explain: ({ lane, trigger, ...at }: JobRun, signal: AbortSignal) => {
    const param = { project: part(at.project), pipeline: part(at.pipeline), job: part(at.job) }
    const query = { ...(lane === null ? {} : { lane }), ...(trigger === null ? {} : { trigger }) }
    return answer(ofJob.$get({ param, query }, { init: { signal } }))
  },
  list: (owner: SecretsOwner, signal: AbortSignal) =>
    owner.of === 'projects' ? ofOneProject(owner, signal) : ofOneOrganization(owner, signal),
  set: (owner: SecretsOwner, secret: Named, kept: Kept) => {
    const json = { ...kept, ...asked(secret) }
    const name = part(secret.name)
    return owner.of === 'projects'
      ? body(ofProject[':name'].$put({ param: { ...inProject(owner), name }, json }))
      : body(ofOrganization[':name'].$put({ param: { ...inOrganization(owner), name }, json }))
  },
  narrow: (owner: SecretsOwner, secret: Named, to: Scope) => {
    const json = { from: asked(secret), to: asked(to) }
    const name = part(secret.name)
    return owner.of === 'projects'
      ? body(ofProject[':name'].narrow.$post({ param: { ...inProject(owner), name }, json }))
      : body(ofOrganization[':name'].narrow.$post({ param: { ...inOrganization(owner), name }, json }))
  },
  remove: async (owner: SecretsOwner, secret: Named): Promise<void> => {
    const query = asked(secret)
    const name = part(secret.name)
    await body(
      done(
        owner.of === 'projects'
          ? ofProject[':name'].$delete({ param: { ...inProject(owner), name }, query })
          : ofOrganization[':name'].$delete({ param: { ...inOrganization(owner), name }, query }),
      ),
    )
  },
}
