import { variableOf } from '#pipelines/language/expression/interpolate.ts'
import { isRefName } from '#pipelines/refs.ts'
import type { Put } from '#pipelines/wire/plan.ts'
import type { Checkouts } from '../../checkout.ts'
import { EngineError, FOLDERS, StepFailed } from '../../engine.ts'
import { rootsOf } from '../../freight/patterns.ts'
import { GitError } from '../../git.ts'
import type { Place } from '../../resources.ts'
import { LayOut } from './lay-out.ts'
import { AUTHOR, Repository } from './repository.ts'

export type GitPut = Extract<Put, { kind: 'git' }>
export type Pushed = {
  readonly sha: string
  readonly branch: string
  readonly message: string
  readonly author: string
}

/** Somebody else pushed first: so often their commits are taken in and ours is pushed again. */
const MOST_TRIES = 5
const LATE = /non-fast-forward|fetch first|stale info|cannot lock ref|failed to update ref/i
const NETWORK =
  /could not resolve|failed to connect|connection (refused|reset|timed out)|timed out|early eof|returned error: 50\d/i

/**
 * Commit what a run changed and push it: the files that it got of the resource, or its working directory.
 *
 * What was changed is seen against the commit that the run began with. Where the branch has moved on since, the change is carried
 * over to its newest commit; where both changed the same lines, the step fails. History is never rewritten.
 */
export async function putGit(checkouts: Checkouts, put: GitPut, at: Place): Promise<Pushed> {
  for (const ref of [`refs/heads/${put.branch}`, ...(put.tag === null ? [] : [`refs/tags/${put.tag}`])])
    if (!isRefName(ref)) throw new StepFailed(1, `git cannot name anything \`${ref}\`.`)
  await using scratch = checkouts.scratch({ ...at.work.plan, checkout: null })
  try {
    const repository = await Repository.open(scratch.around, {
      ...put,
      env: checkouts.env,
      signal: at.signal,
    })
    const sha = await commitAndPush(repository, put, at)
    if (put.tag !== null) await repository.push(sha, `refs/tags/${put.tag}`)
    return { sha, branch: put.branch, message: put.message, author: AUTHOR }
  } catch (error) {
    at.signal.throwIfAborted()
    if (!(error instanceof GitError)) throw error
    const sentence = `\`${put.resource}\` could not be pushed to ${put.url}: ${error.message}`
    if (NETWORK.test(error.message)) throw new EngineError('push_failed', sentence, { cause: error })
    throw new StepFailed(1, sentence, { cause: error })
  }
}

async function commitAndPush(repository: Repository, put: GitPut, at: Place): Promise<string> {
  const { folder, sha: began, lfs } = sourceOf(put, at)
  let tip = await repository.tipOf(put.branch)
  if (began === null && tip === null)
    throw new StepFailed(1, `There is no branch \`${put.branch}\` at ${put.url}.`)
  if (began !== null) await repository.fetch(began)
  const base = began ?? tip ?? ''
  const tree = await treeOf(repository, { folder, base, paths: put.paths, lfs }, at)
  if (tree === (await repository.treeOf(base))) {
    await at.write(Buffer.from(`Nothing changed since ${base.slice(0, 10)}: nothing is committed.\n`))
    return base
  }
  for (let tries = 1; ; tries++) {
    const onto = tip ?? base
    const merged = onto === base ? tree : await mergedOnto(repository, { base, tree, onto })
    if (merged === (await repository.treeOf(onto))) return onto // somebody has made the same change
    const commit = await repository.commit({ tree: merged, parent: onto, message: put.message })
    try {
      await repository.push(commit, `refs/heads/${put.branch}`)
      await at.write(Buffer.from(`Pushed ${commit.slice(0, 10)} to ${put.branch}\n`))
      return commit
    } catch (error) {
      if (!(error instanceof GitError && LATE.test(error.message)) || tries >= MOST_TRIES) throw error
      await at.write(Buffer.from(`${put.branch} has moved on; the change is carried over to it.\n`))
      tip = await repository.tipOf(put.branch)
    }
  }
}

type Merging = { readonly base: string; readonly tree: string; readonly onto: string }

async function mergedOnto(repository: Repository, merging: Merging): Promise<string> {
  const { tree, conflicts } = await repository.merge(merging)
  if (conflicts.length === 0) return tree
  const names = conflicts
    .slice(0, 10)
    .map((path) => `\`${path}\``)
    .join(', ')
  throw new StepFailed(
    1,
    `What the run changed does not fit on ${merging.onto.slice(0, 10)}: both changed ${names}.`,
  )
}

/** Which folder the change is in, and the commit that it began with; null where the run has not got the repository. */
function sourceOf(
  { resource, paths }: GitPut,
  { work: { plan } }: Place,
): Pick<Laying, 'folder' | 'lfs'> & { readonly sha: string | null } {
  const got = plan.gets.find((get) => get.kind === 'git' && get.resource === resource)
  if (got?.kind === 'git') return { ...got.checkout, folder: `${FOLDERS.inputs}/${resource}` }
  // The plan does not say what the checkout's resource is called, but its commit stands under that name.
  const sha = plan.env[variableOf(`${resource}.sha`)]
  if (plan.checkout && sha === plan.checkout.sha) return { ...plan.checkout, folder: FOLDERS.work }
  if (paths.length > 0) return { folder: FOLDERS.work, sha: null, lfs: false }
  throw new StepFailed(
    1,
    `The run has not got \`${resource}\`, so that nobody knows what it changed; let the job \`get\` it, or name \`paths\`.`,
  )
}

type Laying = {
  readonly folder: string
  readonly base: string
  readonly paths: readonly string[]
  /** Large files stand where the commit has pointers to them. */
  readonly lfs: boolean
}

async function treeOf(
  repository: Repository,
  { folder, base, paths, lfs }: Laying,
  at: Place,
): Promise<string> {
  const layOut = new LayOut(repository.files)
  for (const root of rootsIn(paths)) {
    const files = await at.workspace.read(root === '' ? folder : `${folder}/${root}`, at.signal)
    if (files) await layOut.write(files, root)
  }
  await layOut.link()
  const tree = await repository.write({ base, paths, lfs })
  const [large] = lfs ? await repository.newPointers(base, tree) : []
  if (large === undefined) return tree
  throw new StepFailed(
    1,
    `\`${large}\` is a large file (git-lfs) that the run made or changed, and a put uploads none; leave it out with \`paths\`, or push it from the job itself.`,
  )
}

function rootsIn(paths: readonly string[]): string[] {
  const out = paths.find((path) => path.split('/').includes('..'))
  if (out !== undefined) throw new StepFailed(1, `paths: \`${out}\` leads out of the repository.`)
  return paths.length === 0 ? [''] : rootsOf(paths)
}
