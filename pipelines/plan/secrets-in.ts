import { secretsNamed } from '../language/expression/secret-values.ts'
import type { Job, Pipeline } from '../language/pipeline.ts'
import type { Resource } from '../language/resource.ts'
import { ownIn } from '../own-in.ts'
import type { Ask } from './compile-ask.ts'
import { customType } from './custom-type.ts'
import { touchedBy } from './edges.ts'
import type { LaneFact } from './facts.ts'

/** What is known of a run's secrets, and of whose code it runs. */
export type SecretFacts = {
  readonly project: string
  readonly kind: LaneFact['kind']
  /** The secrets that the job may see, by name: those it asks for and those that its resources are opened with. */
  readonly secrets: Readonly<Record<string, string>>
  /** Of secrets that are there and for other runs: why, in words. */
  readonly unmeant: Readonly<Record<string, string>>
  /** One-time addresses of its callbacks, by variable. */
  readonly callbacks?: Readonly<Record<string, string>>
}

/** Pull requests may bring any code, and any pipeline file: nothing of ours is shown to them. */
export const isTrusted = (kind: LaneFact['kind']): boolean => kind !== 'pull_request'

type Known = Pick<Pipeline, 'resources' | 'resourceTypes'>

/** The secrets that a job asks for, and those that open what it gets and puts. */
export function secretNames(job: Job, known: Known): string[] {
  const touched = touchedBy(job)
  const opening = known.resources
    .filter(({ name }) => touched.has(name))
    .flatMap((each) => openers(each, known))
  return [...new Set([...job.secrets, ...opening])]
}

function openers(resource: Resource, known: Known): string[] {
  if (resource.kind === 'custom') return secretsNamed(customType(resource, known)?.source ?? {})
  return 'login' in resource && resource.login !== null ? [resource.login] : []
}

/** The variable in which a job finds the token that says who its run is. */
export const ID_TOKEN = 'TAKT_ID_TOKEN'

/** A job of a revision from before there were tokens says nothing of them. */
export const audienceOf = ({ idToken }: Job): readonly string[] | null => idToken?.audience ?? null

const namesFor = (job: Job) => [...job.secrets, ...(audienceOf(job) === null ? [] : [ID_TOKEN])]

/** The variables that the commands see and nobody else may; what only opens a resource is none of their business. */
export function secretsIn(
  ask: Ask,
  job: Job,
  facts: SecretFacts,
): { readonly secrets: Record<string, string>; readonly withheld: string[] } {
  const names = namesFor(job)
  if (!isTrusted(facts.kind)) return { secrets: {}, withheld: names }
  const entries = names.map((name): [string, string] => [name, secretIn(ask, name, facts)])
  return { secrets: { ...facts.callbacks, ...Object.fromEntries(entries) }, withheld: [] }
}

/** A secret `user:password` as what opens a registry or a repository; a secret without a colon is a token. */
export function loginIn(
  ask: Ask,
  login: string | null,
  facts: SecretFacts,
): { username: string; password: string } | null {
  if (login === null) return null
  const secret = secretIn(ask, login, facts)
  const colon = secret.indexOf(':')
  return colon < 0
    ? { username: 'token', password: secret }
    : { username: secret.slice(0, colon), password: secret.slice(colon + 1) }
}

export function secretIn(ask: Ask, name: string, { project, kind, secrets, unmeant }: SecretFacts): string {
  if (!isTrusted(kind))
    return ask({ impossible: `the secret \`${name}\` is needed, and pull requests get no secrets` })
  const secret = ownIn(secrets, name)
  const why = ownIn(unmeant, name)
  const words = why
    ? `the secret \`${name}\` is not for this run: ${why}`
    : `the secret \`${name}\` is not there: set it with \`takt secrets set ${project} ${name}\``
  return secret ?? ask({ impossible: words })
}
