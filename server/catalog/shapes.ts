import { z } from '@hono/zod-openapi'
import { ROLES } from '#pipelines/access/roles.ts'

const time = z.string().openapi({ format: 'date-time' })

export const Diagnostic = z
  .object({
    severity: z.enum(['error', 'warning']),
    rule: z.string(),
    message: z.string(),
    line: z.number().int(),
    column: z.number().int(),
    hint: z.string(),
  })
  .openapi('Diagnostic')

/** What whoever asks may do in a project, so that nobody is offered more. */
export const OwnRole = z.enum(ROLES).openapi({ description: 'Your own role here' })

export const Project = z
  .object({
    name: z.string(),
    organization: z.string(),
    public: z.boolean().openapi({ description: 'Whether anybody may look, signed in or not' }),
    repository: z.object({
      kind: z.enum(['hosted', 'git', 'github']),
      url: z.string(),
      default_branch: z.string(),
    }),
    pipelines: z.array(z.string()),
    clone: z.string().nullable().openapi({ description: 'Where to clone a hosted repository from' }),
    role: OwnRole.nullable(),
    created_at: time,
  })
  .openapi('Project')

export const ProjectList = z
  .object({ items: z.array(Project), next: z.string().nullable() })
  .openapi('ProjectList')

export const Revision = z
  .object({
    id: z.number().int(),
    sha: z.string(),
    valid: z.boolean(),
    source: z.string(),
    diagnostics: z.array(Diagnostic),
    created_at: time,
  })
  .openapi('Revision')

export const Hook = z
  .object({
    url: z.string(),
    secret: z.string().openapi({
      description: 'Signs each delivery: HMAC-SHA256 over the raw body, as `x-takt-signature: sha256=<hex>`',
    }),
    install: z
      .array(z.string())
      .openapi({ description: 'Shell commands to run inside the bare repository on the git server' }),
  })
  .openapi('Hook')
