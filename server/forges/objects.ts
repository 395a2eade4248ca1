import { git, GitError } from './git.ts'

export type Commit = {
  readonly author: string
  readonly message: string
  readonly parents: readonly string[]
}
export type PipelineFileText = { readonly name: string; readonly path: string; readonly text: string }

const MOST_FILES = 50
const FILE = /^([a-z0-9-]{1,100})\.ya?ml$/

/**
 * What one commit says of itself and of its pipelines: `.takt.yml` is the pipeline `main`, each `.takt/<name>.yml` the pipeline
 * of that name. Where both spell `main`, the file in the root counts.
 *
 * @param named  A commit's full hash, or an annotated tag's: that one stands for the commit it names.
 * @throws {GitError} When it names no commit.
 */
export async function readCommit(dir: string, named: string, config: Readonly<Record<string, string>> = {}) {
  const wanted = [`${named}^{commit}`, `${named}:.takt.yml`, `${named}:.takt`]
  const [commit, root, folder] = await readObjects(dir, wanted, config)
  if (!commit) throw new GitError('cat-file', `\`${named}\` is no commit`)
  const sha = commit.id
  const names = folder?.kind === 'tree' ? filesOf(folder.bytes, sha.length / 2).slice(0, MOST_FILES) : []
  const paths = names.map((name) => `.takt/${name}`)
  const texts =
    paths.length > 0
      ? await readObjects(
          dir,
          paths.map((path) => `${sha}:${path}`),
          config,
        )
      : []
  const files = [{ path: '.takt.yml', name: 'main', object: root }]
  for (const [index, path] of paths.entries()) {
    const name = FILE.exec(names[index] ?? '')?.[1] ?? ''
    if (name !== 'main' || root?.kind !== 'blob') files.push({ path, name, object: texts[index] ?? null })
  }
  return {
    sha,
    commit: parseCommit(commit.bytes.toString('utf8')),
    files: files.flatMap(({ path, name, object }): PipelineFileText[] =>
      object?.kind === 'blob' ? [{ path, name, text: object.bytes.toString('utf8') }] : [],
    ),
  }
}

/** A file's text at a commit; null where there is none. */
export async function readText(
  dir: string,
  { sha, path }: { sha: string; path: string },
  config: Readonly<Record<string, string>> = {},
): Promise<string | null> {
  const [found] = await readObjects(dir, [`${sha}:${path}`], config)
  return found?.kind === 'blob' ? found.bytes.toString('utf8') : null
}

type GitObject = { readonly id: string; readonly kind: string; readonly bytes: Buffer }

/** The objects named, in order; null for one that does not exist. One process for all. */
async function readObjects(dir: string, names: readonly string[], config: Readonly<Record<string, string>>) {
  const out = await git(['cat-file', '--batch'], {
    dir,
    input: names.map((name) => `${name}\n`).join(''),
    config,
  })
  const objects: (GitObject | null)[] = []
  for (let at = 0; at < out.length;) {
    const end = out.indexOf(0x0a, at)
    const [id = '', kind = '', size] = out.toString('utf8', at, end).split(' ')
    at = end + 1
    if (size === undefined) {
      objects.push(null)
      continue
    }
    objects.push({ id, kind, bytes: out.subarray(at, at + Number(size)) })
    at += Number(size) + 1
  }
  return objects
}

/** The names of pipeline files in a raw tree object: `<mode> <name>\0<id>`, repeated. */
function filesOf(tree: Buffer, idBytes: number): string[] {
  const names: string[] = []
  for (let at = 0; at < tree.length;) {
    const nul = tree.indexOf(0, at)
    const [mode = '', name = ''] = tree.toString('utf8', at, nul).split(' ', 2)
    if (mode.startsWith('100') && FILE.test(name)) names.push(name)
    at = nul + 1 + idBytes
  }
  return names
}

/** The author's name, the message and the parents out of a raw commit object. */
function parseCommit(raw: string): Commit {
  const [head = '', ...rest] = raw.split('\n\n')
  const author = /^author (.*) <[^>]*> \d+ [+-]\d+$/m.exec(head)?.[1] ?? ''
  const parents = [...head.matchAll(/^parent ([0-9a-f]+)$/gm)].map(([, parent = '']) => parent)
  return { author: clean(author, 200), message: clean(rest.join('\n\n').trim(), 20_000), parents }
}

/** PostgreSQL's text holds no NUL; a message longer than the page is of no use to anyone. */
const clean = (text: string, most: number) => text.replaceAll('\0', '\u{FFFD}').slice(0, most)
