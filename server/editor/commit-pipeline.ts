import type { Context } from 'hono'
import { laneOfBranch } from '#pipelines/plan/lanes.ts'
import { audited } from '../audit/on-record.ts'
import type { ProjectRow } from '../catalog/queries.ts'
import type { Db } from '../db/connect.ts'
import { git, GitError } from '../forges/git.ts'
import { hostedDir, hostedRefs, isHere } from '../forges/repository.ts'
import { catchUp } from '../hosting/catch-up.ts'
import { inTurn } from '../hosting/turns.ts'
import type { User } from '../http/kit.ts'
import { judgedFile } from '../policies/judge-file.ts'
import { Problem } from '../problem.ts'
import { commitFile, Moved } from './commit-file.ts'
import { parseHere } from './parse-here.ts'

type Change = {
  readonly project: ProjectRow
  readonly path: string
  readonly text: string
  readonly message: string
  readonly branch: string
  readonly onto: string | null
  readonly by: User
}
type Deps = { readonly db: Db; readonly dataDir: string }

/**
 * Commit a pipeline's file to a repository of ours, in the name of whoever asks; it starts what a push of it would start.
 *
 * @throws {Problem} `bad-branch`, `pipeline-invalid` or `file-moved`; nothing has changed then.
 */
export async function commitPipeline(c: Context, { db, dataDir }: Deps, change: Change) {
  const { project, path, text, message, branch, onto, by } = change
  if (!(await isHere(dataDir, project)) || project.kind !== 'hosted')
    throw new Problem(
      'bad-branch',
      `the repository of \`${project.name}\` is not kept by this server: commit there, and push`,
    )
  const dir = hostedDir(dataDir, project.url)
  await checkBranch(dir, branch)
  await checkFile({ db, dataDir }, change)
  return inTurn(dir, c, async () => {
    const refs = await hostedRefs(dataDir, project.url)
    const head = refs.get(`refs/heads/${branch}`) ?? null
    const isNew = head === null && onto !== null && [...refs.values()].includes(onto)
    if (head !== onto && !isNew) throw moved(branch, head)
    const author = { name: by.name, email: await emailOf(db, by) }
    const commit = await commitFile(dir, { path, text, message, author, branch, onto, expected: head }).catch(
      (error: unknown) => {
        throw error instanceof Moved ? moved(branch, head) : error
      },
    )
    audited({ project: project.name, reason: message, target: `/git/${project.url}.git ${branch} ${path}` })
    await catchUp(db, dataDir, { id: project.repository_id, url: project.url })
    return [{ commit, branch }, Promise.resolve()] as const
  })
}

const moved = (branch: string, head: string | null) =>
  new Problem(
    'file-moved',
    head === null
      ? `there is no branch \`${branch}\` that this commit could go on from`
      : `\`${branch}\` points to ${head.slice(0, 7)} by now: load the file anew, and make the change to that`,
    { head },
  )

async function checkBranch(dir: string, branch: string): Promise<void> {
  try {
    // Nobody could name a branch `--x` or `HEAD` to git again.
    if (branch.startsWith('-') || branch === 'HEAD')
      throw new GitError('check-ref-format', 'read as something else')
    await git(['check-ref-format', `refs/heads/${branch}`], { dir })
  } catch (error) {
    if (!(error instanceof GitError)) throw error
    throw new Problem(
      'bad-branch',
      `\`${branch}\` is no name for a branch in git: leave out spaces, \`..\` and the like`,
    )
  }
}

/** What would not come into force is not committed here; who wants that all the same pushes it. */
async function checkFile({ db, dataDir }: Deps, { project, text, branch }: Change): Promise<void> {
  const lane = laneOfBranch(branch)
  const parsed = await parseHere(dataDir, project, text)
  const { parsed: judged } = await judgedFile(db, project, { lane, text, parsed })
  if (judged.pipeline) return
  const [first] = judged.diagnostics.filter(({ severity }) => severity === 'error')
  const at = first ? `line ${first.line}: ${first.message}` : 'it is not valid'
  throw new Problem('pipeline-invalid', at, { diagnostics: judged.diagnostics })
}

async function emailOf(db: Db, { id, name }: User): Promise<string> {
  const row = await db.selectFrom('users').select('email').where('id', '=', id).executeTakeFirst()
  return row?.email ?? `${name}@localhost`
}
