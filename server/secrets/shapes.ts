import { z } from '@hono/zod-openapi'
import { globProblem } from '#pipelines/language/glob.ts'
import { NAME } from '#pipelines/language/schema.ts'
import { ENV_NAME } from '#pipelines/language/shape/scalars.ts'
import { EVERYWHERE, type Scope, STARTS } from '#pipelines/plan/secret-scopes.ts'
import type { SecretRow } from './queries.ts'
import { MOST_REFERENCE_LETTERS, REFERENCE } from './stores/reference.ts'
import { STORES } from './stores/store.ts'

export const secretName = z
  .string()
  .regex(ENV_NAME, { error: 'a secret is named like a variable, such as DEPLOY_KEY' })
  .refine((name) => !name.startsWith('TAKT_'), { error: 'names that begin with TAKT_ are Takt’s own' })

const glob = z
  .string()
  .max(200)
  .superRefine((pattern, ctx) => {
    const message = pattern.startsWith('!')
      ? 'a secret says what it is for, not what it is not for'
      : globProblem(pattern)
    if (message !== null) ctx.addIssue({ code: 'custom', message })
  })

/** What a secret is for. Whatever is left out it is for any of. */
const scope = {
  environment: z
    .string()
    .regex(NAME, { error: 'an environment is named with a-z, 0-9 and -' })
    .optional()
    .openapi({ description: 'Only for jobs that change this environment' }),
  job: glob.optional().openapi({ description: 'Only for jobs of these names: a glob' }),
  trigger: z
    .enum(STARTS, { error: (issue) => notAStart(issue.input) })
    .optional()
    .openapi({ description: 'Only for runs that this started' }),
  branch: glob.optional().openapi({ description: 'Only on the lanes of these branches: a glob' }),
}
function notAStart(input: unknown): string {
  return input === 'pull_request'
    ? 'pull requests get no secrets, whatever these are for'
    : `a run is started by one of ${STARTS.join(', ')}`
}

export const ScopeAsked = z.object(scope)
const store = z.enum(STORES, { error: `a store is one of ${STORES.join(', ')}` })
export const StoreNames = z.array(store).openapi({ description: 'The stores that this server is let into' })
export const SecretAsked = z
  .object({
    value: z.string().optional().openapi({ description: 'Text; at least 4 characters' }),
    store: store.optional().openapi({ description: 'Where it lies, instead of a value' }),
    reference: z
      .string()
      .max(MOST_REFERENCE_LETTERS)
      .regex(REFERENCE, {
        error:
          'a reference is a path below what is the owner’s in the store, and a field: `deploy/keys#private`',
      })
      .optional()
      .openapi({ description: 'The path there, and a field of it behind a `#`: `deploy/keys#private`' }),
    ...scope,
  })
  .refine(
    ({ value, store, reference }) =>
      value === undefined ? store !== undefined && reference !== undefined : !(store ?? reference),
    { error: 'give a value, or a store and a reference' },
  )
export const Narrowing = z.object({
  from: ScopeAsked.openapi({ description: 'What it is for now, which tells it from others of its name' }),
  to: ScopeAsked.openapi({ description: 'What it is to be for' }),
})

/** @param asked May hold more than a scope. */
export const scopeIn = ({ environment, job, trigger, branch }: z.output<typeof ScopeAsked>): Scope => ({
  ...EVERYWHERE,
  ...(environment === undefined ? {} : { environment }),
  ...(job === undefined ? {} : { job }),
  ...(trigger === undefined ? {} : { trigger }),
  ...(branch === undefined ? {} : { branch }),
})

export const Secret = z
  .object({
    name: z.string(),
    owner: z.enum(['project', 'organization']).openapi({ description: 'Whose it is' }),
    environment: z.string().nullable(),
    job: z.string().nullable(),
    trigger: z.enum(STARTS).nullable(),
    branch: z.string().nullable(),
    store: store.nullable().openapi({ description: 'Where the value lies; null: here' }),
    reference: z.string().nullable(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    updated_by: z.string(),
  })
  .openapi('Secret', { description: 'A secret without its value, which nobody can read back' })

export const showSecret = (row: SecretRow): z.output<typeof Secret> => ({
  name: row.name,
  owner: row.project_id === null ? 'organization' : 'project',
  environment: row.environment,
  job: row.job,
  trigger: row.trigger,
  branch: row.branch,
  store: row.store,
  reference: row.reference,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
  updated_by: row.updated_by,
})
