import { createRoute, z } from '@hono/zod-openapi'
import { type Access, roleIn } from '#pipelines/access/roles.ts'
import { NAME } from '#pipelines/language/schema.ts'
import { parseForRunning } from '#pipelines/language/parse.ts'
import { hookSecret } from '../access/derive.ts'
import type { Db } from '../db/connect.ts'
import { body, json, routes } from '../http/kit.ts'
import { Problem } from '../problem.ts'
import { addProject } from './add-project.ts'
import { DEFAULT_ORGANIZATION, organizationToAddTo } from './organizations.ts'
import { findProject, listProjects, type ProjectRow } from './queries.ts'
import { Diagnostic, Hook, Project, ProjectList } from './shapes.ts'

const tags = ['Projects']
const ByName = z.object({ project: z.string().max(100) })
const NewProject = z
  .object({
    name: z.string().regex(NAME, { error: 'a name has 1 to 100 characters out of a-z, 0-9 and -' }),
    repository: z.object({ url: z.string().min(1).max(2_000) }).optional(),
    organization: z.string().max(100).default(DEFAULT_ORGANIZATION),
    public: z.boolean().default(false).openapi({ description: 'Whether anybody may look, signed in or not' }),
  })
  .openapi('NewProject')
const Check = z.object({ text: z.string().max(1_000_000) })

const list = createRoute({
  method: 'get',
  path: '/projects',
  tags,
  summary: 'The projects that you see',
  responses: { 200: json(ProjectList, 'By name') },
})
const add = createRoute({
  method: 'post',
  path: '/projects',
  tags,
  summary: 'Add a project, tied to a repository or with one that Takt hosts',
  request: { body: body(NewProject) },
  responses: { 201: json(Project, 'The project') },
})
const get = createRoute({
  method: 'get',
  path: '/projects/{project}',
  tags,
  summary: 'One project',
  request: { params: ByName },
  responses: { 200: json(Project, 'The project') },
})
const hook = createRoute({
  method: 'get',
  path: '/projects/{project}/hook',
  tags,
  summary: 'What a git server needs to report pushes: address, secret and how to install the script',
  request: { params: ByName },
  responses: { 200: json(Hook, 'The hook') },
})
const check = createRoute({
  method: 'post',
  path: '/check',
  tags: ['Pipelines'],
  summary: 'Check a pipeline file',
  request: { body: body(Check) },
  responses: {
    200: json(
      z.object({ diagnostics: z.array(Diagnostic) }),
      'What the validator says; empty when all is well',
    ),
  },
})

type Deps = { db: Db; dataDir: string; publicUrl: () => string; secretKeys: () => readonly string[] }

/** @throws {Problem} `project-not-found`. */
export async function theProject(db: Db, name: string): Promise<ProjectRow> {
  const project = await findProject(db, name)
  if (!project) throw new Problem('project-not-found', `there is no project \`${name}\``)
  return project
}

export const catalogRoutes = ({ db, dataDir, publicUrl, secretKeys }: Deps) => {
  const show = (row: ProjectRow, access: Access): z.output<typeof Project> => ({
    name: row.name,
    organization: row.organization,
    public: row.public,
    repository: {
      kind: row.kind,
      url: row.kind === 'hosted' ? cloneUrl(row.url) : row.url,
      default_branch: row.default_branch,
    },
    pipelines: row.pipelines,
    clone: row.kind === 'hosted' ? cloneUrl(row.url) : null,
    role: roleIn(access, { project: row.id, organization: row.organization_id, public: row.public }),
    created_at: row.created_at.toISOString(),
  })
  const cloneUrl = (name: string) => `${publicUrl()}/git/${name}.git`
  return routes()
    .openapi(list, async (c) => {
      const access = c.get('access')
      const items = (await listProjects(db, access)).map((row) => show(row, access))
      return c.json({ items, next: null }, 200)
    })
    .openapi(add, async (c) => {
      const { name, repository, ...rest } = c.req.valid('json')
      const organization = await organizationToAddTo(db, c.get('access'), rest.organization)
      await addProject(db, dataDir, {
        name,
        address: repository?.url ?? null,
        organization,
        public: rest.public,
      })
      return c.json(show(await theProject(db, name), c.get('access')), 201)
    })
    .openapi(get, async (c) => {
      const found = await theProject(db, c.req.valid('param').project)
      return c.json(show(found, c.get('access')), 200)
    })
    .openapi(hook, async (c) => {
      const { name } = await theProject(db, c.req.valid('param').project)
      const secret = hookSecret(secretKeys()[0] ?? '', name)
      const url = `${publicUrl()}/hooks/git?project=${name}`
      const install = [
        `curl -fsS ${publicUrl()}/hooks/git/post-receive -o hooks/post-receive && chmod +x hooks/post-receive`,
        `git config takt.url '${url}'`,
        `git config takt.secret '${secret}'`,
      ]
      return c.json({ url, secret, install }, 200)
    })
    .openapi(check, (c) => {
      const { diagnostics } = parseForRunning(c.req.valid('json').text)
      return c.json({ diagnostics: [...diagnostics] }, 200)
    })
}
