import type { Templates } from '#pipelines/language/templates.ts'
import { Problem } from '../problem.ts'
import { normalizeAddress } from './address.ts'
import { GitError } from './git.ts'
import { readText } from './objects.ts'
import { fetchCommits, type Forges, type Opened, openRepository, REFUSED } from './repository.ts'

const MOST_TEMPLATES = 20
const REFERENCE = /^(?<repository>.+)\/\/(?<path>[^@]+)@(?<sha>[0-9a-f]+)$/
/** What a server says of a repository that is not there, or not for everybody. */
const NO_REPOSITORY =
  /not found|could not read Username|Authentication failed|terminal prompts disabled|returned error: 40[134]/i

/**
 * Read the templates that files use, each at its commit: `.` in the file's own repository, others by their address and without
 * any credential of ours, so that no file can quote what its author may not read.
 *
 * @throws {GitError} When a server cannot be reached.
 */
export async function readTemplates(
  forges: Forges,
  own: Opened,
  references: readonly string[],
): Promise<Templates> {
  const texts = new Map<string, string | { missing: string }>()
  for (const reference of new Set(references)) {
    const read = texts.size < MOST_TEMPLATES ? readTemplate(forges, own, reference) : tooMany
    texts.set(reference, await read)
  }
  return texts
}

const tooMany = { missing: `a repository uses at most ${MOST_TEMPLATES} templates` }

async function readTemplate(
  forges: Forges,
  own: Opened,
  reference: string,
): Promise<string | { missing: string }> {
  const { repository = '', path = '', sha = '' } = REFERENCE.exec(reference)?.groups ?? {}
  try {
    const opened = repository === '.' ? own : await openOther(forges, repository)
    const here = await readHere(opened, { sha, path })
    if (here !== null) return here
    await fetchCommits(opened, [sha], { depth: 1, filter: 'blob:none' })
    const text = await readText(opened.dir, { sha, path }, opened.remote ?? {})
    return text ?? { missing: `the commit ${sha.slice(0, 7)} has no ${path}` }
  } catch (error) {
    return { missing: whyMissing(error) }
  }
}

/** What is here needs no network. Of another server's repository git fails on what is not. */
async function readHere(opened: Opened, place: { sha: string; path: string }): Promise<string | null> {
  try {
    return await readText(opened.dir, place)
  } catch (error) {
    if (opened.remote && error instanceof GitError) return null
    throw error
  }
}

const openOther = (forges: Forges, address: string): Promise<Opened> =>
  openRepository(forges, { ...normalizeAddress(address), ofProject: false })

/** In words what waiting does not mend. */
function whyMissing(error: unknown): string {
  if (error instanceof Problem) return error.detail
  if (!(error instanceof GitError)) throw error
  if (REFUSED.test(error.words)) return 'its repository has no such commit'
  if (NO_REPOSITORY.test(error.words)) return 'its repository is not there, or not for everybody'
  throw error
}
