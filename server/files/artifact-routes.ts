import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip, createZstdDecompress } from 'node:zlib'
import { createRoute, z } from '@hono/zod-openapi'
import { reaches, type Role } from '#pipelines/access/roles.ts'
import { pathProblem } from '#pipelines/wire/archive.ts'
import { checked, json, routes } from '../http/kit.ts'
import { log } from '../log.ts'
import { Problem } from '../problem.ts'
import { WithRunId } from '../runs/routes.ts'
import { entriesOf, fileIn } from './archive-entries.ts'
import { artifactNamed, artifactsOf } from './artifacts.ts'
import type { Vault } from './save-archive.ts'

const time = z.string().openapi({ format: 'date-time' })
const Artifacts = z
  .object({
    items: z.array(
      z.object({
        name: z.string(),
        kind: z.enum(['kept', 'state']),
        files: z.number().int(),
        bytes: z.number().int(),
        created_at: time,
        expires_at: time.nullable(),
        expired: z.boolean().openapi({ description: 'Its files are gone' }),
      }),
    ),
    next: z.null(),
  })
  .openapi('Artifacts')

const ArtifactFiles = z
  .object({
    items: z.array(
      z.object({
        path: z.string(),
        kind: z.enum(['file', 'folder', 'symlink', 'hardlink']),
        bytes: z.number().int(),
        mode: z.number().int().openapi({ description: 'Nine bits, as in `chmod`' }),
        target: z.string().nullable().openapi({ description: 'Where a link points' }),
      }),
    ),
    next: z.string().nullable().openapi({ description: 'Give it as `after` for the next page' }),
  })
  .openapi('ArtifactFiles')

const WithArtifact = WithRunId.extend({ name: z.string().max(100) })
const Page = z.object({
  prefix: z.string().max(1_000).default('').openapi({ description: 'Only paths that begin like this' }),
  after: z.string().max(1_000).default(''),
  limit: z.coerce.number().int().min(1).max(1_000).default(200),
})

const tags = ['Artifacts']
const list = createRoute({
  method: 'get',
  path: '/runs/{id}/artifacts',
  tags,
  summary: 'What a run kept for the jobs that need it and for people',
  request: { params: WithRunId },
  responses: { 200: json(Artifacts, 'Its artifacts') },
})
const files = createRoute({
  method: 'get',
  path: '/runs/{id}/artifacts/{name}/files',
  tags,
  summary: 'The files of an artifact, in the order of their paths',
  request: { params: WithArtifact, query: Page },
  responses: { 200: json(ArtifactFiles, 'A page of files') },
})
const bytesOf = (summary: string, path: string) =>
  createRoute({
    method: 'get',
    path,
    tags,
    summary,
    request: { params: WithArtifact },
    responses: {
      200: { description: summary, content: { 'application/octet-stream': { schema: z.string() } } },
    },
  })

/** Nothing of a run is shown as a page of ours: it is a download, and its type is not guessed. */
const download = (name: string) => ({
  'content-type': 'application/octet-stream',
  'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name).replace(/['()*]/g, escape)}`,
  'x-content-type-options': 'nosniff',
})
const escape = (letter: string) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`

/** Like the pages of states: what a job remembers is for operators. */
const maySee = (name: string, role: Role): boolean => name !== 'state' || reaches(role, 'operator')

/** @throws {Problem} `not-allowed`. */
function mustSee(name: string, role: Role): void {
  if (maySee(name, role)) return
  throw new Problem(
    'not-allowed',
    `the state that a run left needs the role operator in its project, and yours is ${role}`,
  )
}

export function artifactRoutes({ db, store }: Vault) {
  const described = routes()
  const registry = described.openAPIRegistry
  registry.registerPath(bytesOf('One file of an artifact', '/runs/{id}/artifacts/{name}/files/{path}'))
  registry.registerPath(bytesOf('An artifact, packed', '/runs/{id}/artifacts/{name}.tar.gz'))
  return described
    .openapi(list, async (c) => {
      const found = await artifactsOf(db, c.req.valid('param').id)
      const items = found
        .filter(({ name }) => maySee(name, c.get('role')))
        .map(({ name, key, createdAt, expiresAt, ...counts }) => ({
          name,
          kind: name,
          files: counts.files,
          bytes: counts.bytes,
          created_at: createdAt.toISOString(),
          expires_at: expiresAt?.toISOString() ?? null,
          expired: key === null,
        }))
      return c.json({ items, next: null }, 200)
    })
    .openapi(files, async (c) => {
      const { id, name } = c.req.valid('param')
      const page = c.req.valid('query')
      mustSee(name, c.get('role'))
      const { key } = await artifactNamed(db, id, name)
      const items = await entriesOf(store, key, page)
      const last = items.at(-1)
      return c.json({ items, next: last && items.length === page.limit ? last.path : null }, 200)
    })
    .get('/runs/:id/artifacts/:name/files/:path{[\\s\\S]+}', async (c) => {
      const { id, name, path } = checked(WithArtifact.extend({ path: z.string().max(1_000) }), c.req.param())
      mustSee(name, c.get('role'))
      if (pathProblem(path) !== null) throw noFile(path)
      const { key } = await artifactNamed(db, id, name)
      const found = await fileIn(store, key, path)
      if (!found) throw noFile(path)
      const headers = {
        ...download(path.split('/').at(-1) ?? 'file'),
        'content-length': String(found.entry.bytes),
      }
      return c.body(Readable.toWeb(found.content) as ReadableStream, 200, headers)
    })
    .get('/runs/:id/artifacts/:name{.+\\.tar\\.gz}', async (c) => {
      const { id, name: file } = checked(WithArtifact, c.req.param())
      const name = file.replace(/\.tar\.gz$/, '')
      mustSee(name, c.get('role'))
      const { key } = await artifactNamed(db, id, name)
      const packed = await store.get(key, c.req.raw.signal)
      if (!packed) throw new Problem('files-not-found', `the store has lost ${key}; restore it from a backup`)
      const tar = createGzip()
      // Where it breaks off, so does the answer, which is told by its connection.
      pipeline(packed, createZstdDecompress(), tar).catch((error: unknown) =>
        log.warn({ err: error, run: id }, 'artifact.cut'),
      )
      return c.body(Readable.toWeb(tar) as ReadableStream, 200, download(`run-${id}-${file}`))
    })
}

const noFile = (path: string) =>
  new Problem('files-not-found', `there is no file ${JSON.stringify(path.slice(0, 200))} in the artifact`)
