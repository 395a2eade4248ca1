import { z } from '@hono/zod-openapi'
import { ROLES } from '#pipelines/access/roles.ts'
import type { TokenRow } from './tokens.ts'

export const Token = z
  .object({
    id: z.int(),
    name: z.string(),
    prefix: z
      .string()
      .nullable()
      .openapi({ description: 'The first letters, by which its owner knows it again' }),
    role: z
      .enum(ROLES)
      .nullable()
      .openapi({ description: 'It can do no more than this role; null: all that its owner may' }),
    project: z
      .string()
      .nullable()
      .openapi({ description: 'It opens this project alone; null: all of its owner’s' }),
    created_at: z.string(),
    expires_at: z.string().nullable(),
    last_used_at: z.string().nullable().openapi({ description: 'To the minute' }),
  })
  .openapi('Token')
export const TokenList = z.object({ items: z.array(Token), next: z.null() }).openapi('TokenList')
export const FreshToken = Token.extend({
  secret: z.string().openapi({ description: 'Told here, and never again' }),
}).openapi('FreshToken')
export const TokenWish = z
  .object({
    name: z.string().trim().min(1).max(100),
    role: z.enum(ROLES).optional(),
    project: z.string().max(100).optional(),
    expires_at: z.iso.datetime({ offset: true }).optional(),
  })
  .openapi('TokenWish')

export const shownToken = (row: TokenRow): z.output<typeof Token> => ({
  ...row,
  created_at: row.created_at.toISOString(),
  expires_at: row.expires_at?.toISOString() ?? null,
  last_used_at: row.last_used_at?.toISOString() ?? null,
})
