import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { z } from 'zod'
import type { Access, Role } from '#pipelines/access/roles.ts'
import type { OrganizationId, SessionId, TokenId, UserId } from '#pipelines/ids.ts'
import { log } from '../log.ts'
import { Problem } from '../problem.ts'

/** Who is asking, as `authenticate` found out. */
export type User = { readonly id: UserId; readonly name: string; readonly role: 'admin' | 'member' }
/** What somebody showed to be let in; a token may be a program's own. */
export type Via =
  | { readonly by: 'session'; readonly id: SessionId }
  | {
      readonly by: 'token'
      readonly id: TokenId
      readonly name: string
      readonly expires_at: Date | null
      readonly kind: 'person' | 'service'
    }
/** Where a request wants to do something, as far as its path names a place that there is. */
export type Spot = { readonly organization: OrganizationId | null; readonly project: string | null }
/**
 * `user` and `via` are there for every route that needs somebody; `access` for every request to the API, also of those who are
 * nobody; `address` for all there is: where the request came from, as far as that can be known. `admitted` tells a refusal for
 * want of rights from every other one. `role` is what the asker has in the project or organization that the route is about.
 */
export type HouseEnv = {
  Variables: {
    user: User
    via: Via
    access: Access
    address: string
    ground?: Spot
    admitted?: true
    role: Role
  }
}

/** A fresh set of routes whose requests are checked against their schemas before a handler sees them. */
export const routes = () =>
  new OpenAPIHono<HouseEnv>({
    defaultHook: (result) => {
      if (!result.success) throw invalid(result.error, result.target)
    },
  })

function invalid(error: z.core.$ZodError, target: string): Problem {
  const issues = error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }))
  const words = issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')
  return new Problem('invalid-request', `${target}: ${words}`, { issues })
}

/** What `schema` makes of `value`, for routes that are not typed. @throws {Problem} `invalid-request`. */
export function checked<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const read = schema.safeParse(value)
  if (!read.success) throw invalid(read.error, 'request')
  return read.data
}

/** Every error becomes an answer here and nowhere else: refusals by their own shape, surprises logged whole and told as a bare 500. */
export function answerError(error: Error, c: Context): Response {
  if (error instanceof Problem) return error.toResponse()
  if (error instanceof HTTPException) return fromHttpException(error).toResponse()
  log.error({ err: error, method: c.req.method, path: c.req.path }, 'request.failed')
  const body = { type: 'about:blank', title: 'The server failed; the cause is in its log', status: 500 }
  return Response.json(body, { status: 500, headers: { 'content-type': 'application/problem+json' } })
}

function fromHttpException(error: HTTPException): Problem {
  if (error.status === 413) return new Problem('body-too-large', error.message || 'send a smaller body')
  if (error.status === 415) return new Problem('wrong-content-type', error.message)
  if (error.status === 400) return new Problem('malformed-json', error.message)
  return new Problem('invalid-request', error.message)
}

/** The answer's description for the OpenAPI document. */
export const json = <S extends z.ZodType>(schema: S, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})

/** A request body for the OpenAPI document; required unless every member of it may be left out. */
export const body = <S extends z.ZodType>(schema: S) => ({
  required: true,
  content: { 'application/json': { schema } },
})
