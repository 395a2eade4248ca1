import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { PublicGit } from './public-git.ts'
import type { House } from './server.ts'
import { tell, told, ZERO } from './told.ts'

const examples: { readonly name: string; readonly examples: readonly { readonly action?: string }[] }[] =
  JSON.parse(readFileSync(fileURLToPath(import.meta.resolve('@octokit/webhooks-examples')), 'utf8'))
export const published = (action: string): ReturnType<typeof JSON.parse> =>
  examples.find(({ name }) => name === 'pull_request')!.examples.find((each) => each.action === action)!

type Changes = { readonly sha?: string; readonly pull?: object; readonly more?: object }

/** A forge's repository with `main` pushed, and its pull request 2 from `changes`, told in GitHub's own words. */
export async function withPull(house: House, git: PublicGit, triggers: string, jobs?: string) {
  const push = await told(house, git)
  const test = `test: { run: 'printf "%s\\n" "number=$SRC_NUMBER of $TAKT_LANE" "$(cat a)"' }`
  const file = `triggers: ${triggers}\njobs:\n  ${jobs ?? test}\n`
  const main = await git.clone.push({ '.takt.yml': file, a: 'main' })
  await push(ZERO, main)
  await git.clone.git('checkout', '-q', '-b', 'changes')
  const repo = { id: 42, clone_url: git.url, default_branch: 'main' }
  let head = main
  return {
    main,
    push,
    /** Commit to the pull request. The forge alone makes its ref. */
    async commit(files: Record<string, string>): Promise<string> {
      head = await git.clone.commit(files)
      await git.clone.git('push', '-q', '--force', 'origin', 'HEAD:refs/pull/2/head')
      return head
    },
    say(action: string, { sha = head, pull = {}, more = {} }: Changes = {}) {
      const payload = published(action)
      const base = { ...payload.pull_request.base, sha: main, ref: 'main', repo }
      const from = { ...payload.pull_request.head, sha, ref: 'changes', repo }
      const pull_request = { ...payload.pull_request, labels: [], base, head: from, ...pull }
      return tell(house, 'pull_request', { ...payload, repository: repo, pull_request, ...more })
    },
  }
}
