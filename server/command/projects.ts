import type { z } from 'zod'
import type { Project, ProjectList } from '../catalog/shapes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { note, out, outJson, table } from './print.ts'

type Json = { readonly json?: true }
type Added = z.output<typeof Project> & { readonly clone: string | null }

/** Add a project: of a repository somewhere, or of a new one that the server hosts itself. */
export async function addProject(
  name: string,
  {
    repo,
    json,
    ...place
  }: Json & {
    readonly repo?: string
    readonly organization?: string
    readonly public?: true
  },
): Promise<number> {
  const repository = repo === undefined ? {} : { repository: { url: repo } }
  const config = readConfig()
  const project = await call<Added>(config, '/api/v1/projects', {
    method: 'POST',
    body: { name, ...repository, ...place },
  })
  if (json) outJson(project)
  else tellAdded(project, config.dataDir)
  return 0
}

function tellAdded({ name, repository, clone }: Added, dataDir: string): void {
  note(`project ${name} added`)
  if (clone === null) return out(`its repository is ${repository.url}; push a .takt.yml to it`)
  note(
    `its repository is hosted here. Any user name will do; the password is an API token (this machine's is in ${dataDir}/token):`,
  )
  out(`git clone ${clone}`)
}

export async function listProjects({ json }: Json): Promise<number> {
  const list = await call<z.output<typeof ProjectList>>(readConfig(), '/api/v1/projects')
  if (json) outJson(list)
  else if (list.items.length === 0) note('there are no projects yet: add one with `takt projects add <name>`')
  else out(table(['PROJECT', 'PIPELINES', 'REPOSITORY'], list.items.map(row)))
  return 0
}

const row = ({ name, pipelines, repository }: z.output<typeof Project>) => [
  name,
  pipelines.length === 0 ? '-' : pipelines.join(', '),
  repository.url,
]
