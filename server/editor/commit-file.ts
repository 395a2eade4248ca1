import { git, GitError } from '../forges/git.ts'

export type NewCommit = {
  /** `.takt.yml` or `.takt/<name>.yml`. */
  readonly path: string
  readonly text: string
  readonly message: string
  readonly author: { readonly name: string; readonly email: string }
  readonly branch: string
  /** The commit it goes on from; null for the first one of an empty repository. */
  readonly onto: string | null
  /** Where the branch has to point for that; null: it must not exist. */
  readonly expected: string | null
}

/** The branch points elsewhere by now. */
export class Moved extends Error {
  override readonly name = 'Moved'
}

/**
 * Commit one file to a bare repository, as a push of that commit would.
 *
 * @returns The commit.
 * @throws {Moved} When the branch is not where it was expected: nothing has changed then.
 */
export async function commitFile(dir: string, change: NewCommit): Promise<string> {
  const { path, text, message, author, branch, onto, expected } = change
  const blob = await said(dir, ['hash-object', '-w', '--stdin'], { input: text })
  const tree = await withFile(dir, { tree: onto, path: path.split('/'), blob })
  const config = {
    ...{ 'author.name': author.name, 'author.email': author.email },
    ...{ 'committer.name': 'Takt', 'committer.email': 'takt@localhost' },
  }
  const parent = onto === null ? [] : ['-p', onto]
  const commit = await said(dir, ['commit-tree', tree, ...parent, '-F', '-'], { input: message, config })
  try {
    await git(['update-ref', `refs/heads/${branch}`, commit, expected ?? '0'.repeat(commit.length)], { dir })
  } catch (error) {
    if (error instanceof GitError && /cannot lock ref/.test(error.words)) throw new Moved(error.words)
    throw error
  }
  return commit
}

type Place = { readonly tree: string | null; readonly path: readonly string[]; readonly blob: string }

/** A tree like the one that is given, with the file in it; all else in it keeps its place and mode, and its name byte for byte. */
async function withFile(dir: string, { tree, path, blob }: Place): Promise<string> {
  const [name = '', ...below] = path
  const entries = tree === null ? [] : await entriesOf(dir, tree)
  const before = entries.find((entry) => entry.name === name)
  const inner = before?.kind === 'tree' ? before.id : null
  const next =
    below.length > 0
      ? `040000 tree ${await withFile(dir, { tree: inner, path: below, blob })}`
      : `${before?.mode === '100755' ? before.mode : '100644'} blob ${blob}`
  const kept = entries
    .filter((entry) => entry.name !== name)
    .map((entry) => `${entry.mode} ${entry.kind} ${entry.id}\t${entry.name}\0`)
  return said(dir, ['mktree', '-z'], { input: Buffer.from(`${kept.join('')}${next}\t${name}\0`, 'latin1') })
}

async function entriesOf(dir: string, tree: string) {
  const out = (await git(['ls-tree', '-z', tree], { dir })).toString('latin1')
  return out
    .split('\0')
    .filter(Boolean)
    .map((line) => {
      const [head = '', name = ''] = [line.slice(0, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1)]
      const [mode = '', kind = '', id = ''] = head.split(' ')
      return { mode, kind, id, name }
    })
}

type Said = { readonly input?: string | Uint8Array; readonly config?: Readonly<Record<string, string>> }
const said = async (dir: string, args: readonly string[], { input = '', config = {} }: Said) =>
  (await git(args, { dir, input, config })).toString('utf8').trim()
