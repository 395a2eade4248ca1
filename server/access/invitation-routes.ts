import { createRoute, z } from '@hono/zod-openapi'
import { ROLES } from '#pipelines/access/roles.ts'
import type { InvitationId } from '#pipelines/ids.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { body, json, routes, type User } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { keepSession } from './cookie.ts'
import { organizationCalled } from './grants.ts'
import { addInvitation, invitationOf, type InvitationRow, listInvitations, withdraw } from './invitations.ts'
import { joinAs, joinAsNew } from './join.ts'
import { Me, meOf } from './me.ts'
import { MOST_LETTERS } from './passwords.ts'
import { newSession } from './sessions.ts'
import { refuseBound, refuseOutgrowing } from './tokens.ts'
import { USER_NAME, USER_NAME_RULE } from './users.ts'

const tags = ['People']
const Invitation = z
  .object({
    id: z.int(),
    organization: z.string(),
    role: z.enum(ROLES).nullable(),
    team: z.string().nullable(),
    email: z.string().nullable(),
    invited_by: z.string(),
    created_at: z.string(),
    expires_at: z.string(),
  })
  .openapi('Invitation')
const InvitationList = z.object({ items: z.array(Invitation), next: z.null() }).openapi('InvitationList')
const FreshInvitation = Invitation.extend({
  url: z.string().openapi({ description: 'The link, told here and never again; it works once' }),
}).openapi('FreshInvitation')
const Offer = z
  .object({
    role: z.enum(ROLES).optional(),
    team: z.string().max(100).optional(),
    email: z.email().max(254).optional(),
    days: z.int().min(1).max(30).default(7),
  })
  .refine(({ role, team }) => role !== undefined || team !== undefined, {
    error: 'name a role in the organization, a team of it, or both',
  })
  .openapi('InvitationOffer')
const Secret = z.string().min(1).max(100)
const Look = z.object({ secret: Secret }).openapi('InvitationLook')
const Acceptance = z
  .object({
    secret: Secret,
    name: z.string().regex(USER_NAME, { error: USER_NAME_RULE }).optional(),
    password: z
      .string()
      .max(4 * MOST_LETTERS)
      .optional(),
  })
  .openapi('InvitationAcceptance')
const PATH = '/organizations/{organization}/invitations'
const OfOrganization = z.object({ organization: z.string().max(100) })

const list = createRoute({
  method: 'get',
  path: PATH,
  tags,
  summary: 'The invitations of an organization that nobody has opened yet',
  request: { params: OfOrganization },
  responses: { 200: json(InvitationList, 'The newest first') },
})
const add = createRoute({
  method: 'post',
  path: PATH,
  tags,
  summary: 'Invite somebody: a link that works once, and makes an account where there is none',
  request: { params: OfOrganization, body: body(Offer) },
  responses: { 201: json(FreshInvitation, 'The invitation, with its link, this once') },
})
const remove = createRoute({
  method: 'delete',
  path: `${PATH}/{id}`,
  tags,
  summary: 'Withdraw an invitation',
  request: { params: OfOrganization.extend({ id: z.coerce.number().int().positive() }) },
  responses: { 204: { description: 'Its link opens nothing any more' } },
})
const look = createRoute({
  method: 'post',
  path: '/invitations/look',
  tags,
  summary: 'What an invitation offers, for whoever holds its link',
  request: { body: body(Look) },
  responses: { 200: json(Invitation, 'The invitation') },
})
const accept = createRoute({
  method: 'post',
  path: '/invitations/accept',
  tags,
  summary: 'Open an invitation: with a name and a password for a new account, or as whoever is signed in',
  request: { body: body(Acceptance) },
  responses: { 200: json(Me, 'Who has joined; a new account is signed in') },
})

type Deps = { readonly db: Db; readonly publicUrl: () => string }

/** Inviting people, and coming in by an invitation. */
export const invitationRoutes = ({ db, publicUrl }: Deps) =>
  routes()
    .openapi(list, async (c) => {
      const organization = await organizationCalled(db, c.req.valid('param').organization)
      return c.json({ items: (await listInvitations(db, organization)).map(show), next: null }, 200)
    })
    .openapi(add, async (c) => {
      refuseOutgrowing(c.get('access'), c.get('via'))
      const { role = null, team = null, email = null, days } = c.req.valid('json')
      const { secret, row } = await transact(db, async (tx) => {
        const organization = await organizationCalled(tx.db, c.req.valid('param').organization)
        const made = await addInvitation(tx.db, { organization, role, team, email, days }, c.get('user').id)
        return { ...made, row: await invitationOf(tx.db, made.secret) }
      })
      return c.json({ ...show(row), url: `${publicUrl()}/join#${secret}` }, 201)
    })
    .openapi(remove, async (c) => {
      const { organization, id } = c.req.valid('param')
      await transact(db, async (tx) =>
        withdraw(tx.db, await organizationCalled(tx.db, organization), id as InvitationId),
      )
      return c.body(null, 204)
    })
    .openapi(look, async (c) => c.json(show(await invitationOf(db, c.req.valid('json').secret)), 200))
    .openapi(accept, async (c) => {
      const { secret, name, password } = c.req.valid('json')
      // undefined for whoever is nobody, whatever the type says
      const user = c.get('user') as User | undefined
      if (name === undefined && user) {
        refuseBound(c.get('access'))
        await joinAs(db, secret, user.id)
        return c.json(await meOf(db, user.id), 200)
      }
      if (name === undefined || password === undefined)
        throw new Problem('invalid-request', 'send `name` and `password` for a new account, or sign in first')
      const begun = {
        client: c.req.header('user-agent') ?? null,
        address: c.get('address'),
        how: 'invitation',
      }
      const joined = await joinAsNew(db, secret, { name, password }, async (tx, id) => ({
        id,
        session: await newSession(tx.db, id, begun),
      }))
      keepSession(c, joined.session, publicUrl())
      return c.json(await meOf(db, joined.id), 200)
    })

const show = ({ created_at, expires_at, ...row }: InvitationRow): z.output<typeof Invitation> => ({
  ...row,
  created_at: created_at.toISOString(),
  expires_at: expires_at.toISOString(),
})
