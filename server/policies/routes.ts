import { createRoute, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { OrganizationId } from '#pipelines/ids.ts'
import { MOST_LETTERS, readPolicies } from '#pipelines/policy/read.ts'
import type { PolicyRules } from '#pipelines/policy/rules.ts'
import { organizationNamed } from '../access/grants.ts'
import { audited } from '../audit/on-record.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { etag, expectedIn, Preconditions } from '../http/expected-version.ts'
import { body, json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { findPolicies, keepPolicies, type PoliciesRow } from './queries.ts'
import { tryPolicies } from './try-policies.ts'

const tags = ['Policies']
const Named = z.object({ organization: z.string().max(100) })
const Source = z.string().max(MOST_LETTERS).openapi({
  description: 'YAML: a list of rules, each with `name`, `effect` (allow, warn, deny) and what it speaks of',
})
const Policies = z
  .object({
    source: Source,
    rules: z
      .array(z.record(z.string(), z.unknown()))
      .openapi({ description: 'The same, read; spans in milliseconds' }),
    version: z.number().int().openapi({ description: 'Its ETag, too; 0 where none were set yet' }),
    updated_at: z.string().nullable().openapi({ format: 'date-time' }),
    updated_by: z.string().nullable(),
  })
  .openapi('Policies')
const Tried = z
  .object({
    files: z.number().int(),
    items: z.array(
      z.object({
        ...{ project: z.string(), pipeline: z.string(), lane: z.string() },
        ...{ effect: z.enum(['warn', 'deny']), rule: z.string(), words: z.string() },
      }),
    ),
    next: z.null(),
  })
  .openapi('TriedPolicies')

const path = '/organizations/{organization}/policies'
const get = createRoute({
  method: 'get',
  path,
  tags,
  summary: 'What an organization lets its lines use',
  request: { params: Named },
  responses: { 200: json(Policies, 'The policies; empty where there are none') },
})
const put = createRoute({
  method: 'put',
  path,
  tags,
  summary: 'Set the policies; with If-Match only where they are still those that were read',
  request: { params: Named, headers: Preconditions, body: body(z.object({ source: Source })) },
  responses: { 200: json(Policies, 'The policies') },
})
const attempt = createRoute({
  method: 'post',
  path: `${path}/try`,
  tags,
  summary: 'What policies would say of the files in force now; without a source those that are set',
  request: { params: Named, body: body(z.object({ source: Source.optional() })) },
  responses: { 200: json(Tried, 'What would be warned of and denied, and how many files were looked at') },
})

export const policyRoutes = ({ db }: { db: Db }) =>
  routes()
    .openapi(get, async (c) => {
      const id = await theOrganization(db, c.req.valid('param').organization)
      return shown(c, await findPolicies(db, id))
    })
    .openapi(put, async (c) => {
      const id = await theOrganization(db, c.req.valid('param').organization)
      const { source } = c.req.valid('json')
      const rules = rulesIn(source)
      const expected = expectedIn(c.req.valid('header'))
      await transact(db, async (tx) => {
        const fresh = { organization: id, source, rules, by: c.get('user').id, expected }
        audited({ before: { source: (await keepPolicies(tx.db, fresh)).before }, after: { source } })
      })
      return shown(c, await findPolicies(db, id))
    })
    .openapi(attempt, async (c) => {
      const id = await theOrganization(db, c.req.valid('param').organization)
      const { source } = c.req.valid('json')
      const rules = source === undefined ? ((await findPolicies(db, id))?.rules ?? []) : rulesIn(source)
      return c.json({ ...(await tryPolicies(db, id, rules)), next: null }, 200)
    })

/** @throws {Problem} `bad-policies`, with everything that is wrong. */
function rulesIn(source: string): PolicyRules {
  const read = readPolicies(source)
  if ('rules' in read) return read.rules
  throw new Problem('bad-policies', read.problems.slice(0, 20).join('; ').slice(0, 4_000))
}

async function theOrganization(db: Db, name: string): Promise<OrganizationId> {
  const id = await organizationNamed(db, name)
  if (id === undefined) throw new Problem('organization-not-found', `there is no organization \`${name}\``)
  return id
}

function shown(c: Context, row: PoliciesRow | undefined) {
  return c.json(show(row), 200, row ? { etag: etag(row.version) } : {})
}

const show = (row: PoliciesRow | undefined): z.output<typeof Policies> => ({
  source: row?.source ?? '',
  rules: (row?.rules ?? []).map((rule) => ({ ...rule })),
  version: row?.version ?? 0,
  updated_at: row?.updated_at.toISOString() ?? null,
  updated_by: row?.updated_by ?? null,
})
