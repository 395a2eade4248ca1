import { execFile } from 'node:child_process'
import { userInfo } from 'node:os'
import { promisify } from 'node:util'
import type { LogLine } from './log-file.ts'

type Facts = {
  readonly server: LogLine
  readonly runner: LogLine
  readonly dataDir: string
  /** The API token of this machine, with which its demo is cloned and pushed to. */
  readonly token: string | null
}

/** What a newcomer needs to know once everything is up, and nothing else. */
export async function banner({ server, runner, dataDir, token }: Facts): Promise<string> {
  const database =
    server['database'] === 'given' ? 'the database is the one of DATABASE_URL' : 'the database too'
  const lines = [
    '',
    'Takt is up.',
    '',
    `  Dashboard  ${text(server['login']) ?? text(server['url']) ?? ''}`,
    '             The link signs in once; `npx takt login-link` makes another.',
    ...engine(runner),
    `  Data       ${dataDir} (${database})`,
    '  Stop       Ctrl-C',
    '',
    ...(await nextSteps(withToken(text(server['clone']), token))),
    '',
  ]
  return lines.join('\n')
}

function engine(runner: LogLine): string[] {
  const words = text(runner['words']) ?? text(runner['reason']) ?? ''
  const line = `  Engine     ${words}`
  if (runner['isolated'] !== false) return [line]
  const user = userInfo().username
  return [
    line,
    `             There is no isolation: jobs run as plain processes as user ${user}. Start Docker for isolation.`,
  ]
}

const withToken = (clone: string | null, token: string | null) =>
  clone && token ? clone.replace('://', `://takt:${token}@`) : clone

async function nextSteps(clone: string | null): Promise<string[]> {
  if (clone === null) return ['Add a project: npx takt projects add <name> --repo <url>']
  const folder =
    clone
      .split('/')
      .at(-1)
      ?.replace(/\.git$/, '') ?? ''
  const identity = (await gitKnowsWho()) ? '' : ' -c user.name=me -c user.email=me@example.com'
  return [
    'Three steps to a first change of your own:',
    '',
    `  1. git clone ${clone} && cd ${folder}`,
    `  2. echo '# a change' >> .takt.yml        (or edit any file)`,
    `  3. git${identity} commit -am 'a change' && git push`,
    '',
    'and see it run in the dashboard.',
  ]
}

const gitKnowsWho = () =>
  promisify(execFile)('git', ['config', '--get', 'user.email']).then(
    () => true,
    () => false, // not set, or no git at all, which the first step will tell
  )

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
