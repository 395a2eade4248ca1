import { z } from '@hono/zod-openapi'
import { NAME } from '#pipelines/language/shape/scalars.ts'

export const serviceName = z.string().regex(NAME, { error: 'a name such as deployer' })

const headers = z.record(z.string().max(100), z.string().max(4_000)).openapi({
  description: 'Sent with every call; $(secret.NAME) stands for a secret of the project',
})

export const ServiceSaid = z
  .object({
    url: z.string().max(2_000).openapi({ description: 'https:// or http://; calls name paths under it' }),
    headers: headers.default({}),
  })
  .openapi('ServiceSaid')

export const Service = z
  .object({
    name: z.string(),
    url: z.string(),
    headers,
    updated_at: z.iso.datetime(),
    updated_by: z.string().nullable(),
  })
  .openapi('Service', { description: 'What a project’s `call` steps may call' })

export const ServiceList = z.object({ items: z.array(Service) })
