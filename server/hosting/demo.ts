import { readdir, readFile } from 'node:fs/promises'
import { addProject } from '../catalog/add-project.ts'
import { defaultOrganization } from '../catalog/organizations.ts'
import type { Db } from '../db/connect.ts'
import { git } from '../forges/git.ts'
import { hostedDir, hostedRefs, initHosted } from '../forges/repository.ts'

const FILES = new URL('../../pipelines/examples/demo/', import.meta.url)
export const DEMO = 'demo'

/**
 * On a server that has no project yet: a repository with a pipeline in it, so that there is something to push to. Interrupted
 * half way, the next start does the rest.
 */
export async function ensureDemo(db: Db, dataDir: string): Promise<void> {
  const projects = await db.selectFrom('projects').select('name').limit(2).execute()
  if (projects.length === 0)
    await addProject(db, dataDir, {
      ...{ name: DEMO, address: null, public: false },
      organization: await defaultOrganization(db),
    })
  else if (!projects.some((project) => project.name === DEMO)) return
  await initHosted(dataDir, DEMO)
  if ((await hostedRefs(dataDir, DEMO)).size === 0) await firstCommit(hostedDir(dataDir, DEMO))
}

/** The demo's files as the first commit of `main`, written straight into the bare repository. */
async function firstCommit(dir: string): Promise<void> {
  const entries: string[] = []
  for (const file of (await readdir(FILES)).toSorted()) {
    const text = await readFile(new URL(file, FILES), 'utf8')
    const blob = await said(dir, ['hash-object', '-w', '--stdin'], text)
    entries.push(`${file.endsWith('.sh') ? '100755' : '100644'} blob ${blob}\t${file}\n`)
  }
  const tree = await said(dir, ['mktree'], entries.join(''))
  const commit = await said(dir, ['commit-tree', tree, '-m', 'Greet the world'])
  await git(['update-ref', 'refs/heads/main', commit], { dir })
}

const said = async (dir: string, args: readonly string[], input = '') =>
  (await git(args, { dir, input, config: { 'user.name': 'Takt', 'user.email': 'takt@localhost' } }))
    .toString('utf8')
    .trim()
