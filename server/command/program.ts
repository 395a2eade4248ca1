import { Command } from 'commander'
import { type Add, type EndingWith, JSON_OUT } from './adding.ts'
import { artifacts } from './artifact-program.ts'
import { auditLog } from './audit-program.ts'
import { deliveries } from './delivery-program.ts'
import { forges } from './forge-program.ts'
import { gates } from './gate-program.ts'
import { lineDecrees, lineQuestions, runActions, runId } from './line-program.ts'
import { maintenance, removed } from './maintenance-program.ts'
import { notices } from './notice-program.ts'
import { people } from './people-program.ts'
import { policies } from './policy-program.ts'
import { runners } from './runner-program.ts'
import { schedules } from './schedule-program.ts'
import { services } from './services-program.ts'
import { sources } from './source-program.ts'
import { secrets } from './secret-program.ts'
import { states } from './state-program.ts'
import { values } from './value-program.ts'

/** The whole command line. Each command loads its own file when it is called, so that a small one stays quick. */
export function program(end: (exitCode: number) => void): Command {
  const takt = new Command('takt')
    .description('A self-hosted, git-triggered CI/CD assembly line')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(takt --help tells more)')
    .addHelpText(
      'after',
      '\nExit codes: 0 good, 1 the run or check is red, 2 wrong use, 3 the server cannot be reached',
    )

  /** A command of its own, which ends with the code its file returns. */
  const add = (name: string, description: string, parent = takt): Command =>
    parent.command(name).description(description)
  const ending =
    <Given extends unknown[]>(act: (...given: Given) => Promise<number>) =>
    async (...given: Given) =>
      end(await act(...given))

  processes(add, ending)
  projects(add, ending)
  secrets(add, ending)
  values(add, ending)
  states(add, ending)
  runs(add, ending)
  artifacts(add, ending)
  runActions(add, ending)
  gates(add, ending)
  forges(add, ending)
  deliveries(add, ending)
  lineQuestions(add, ending)
  lineDecrees(add, ending)
  schedules(add, ending)
  sources(add, ending)
  services(add, ending)
  runners(add, ending)
  maintenance(add, ending)
  removed(add, ending)
  notices(add, ending)
  people(add, ending)
  auditLog(add, ending)
  policies(add, ending)
  files(add, ending)
  return takt
}

function files(add: Add, ending: EndingWith): void {
  add('check', 'say what is wrong with pipeline files; without names .takt.yml and .takt/*.yml')
    .argument('[file...]')
    .option(...JSON_OUT)
    .action(ending(async (names: string[], options) => (await import('./check.ts')).check(names, options)))
  add('graph', 'draw a pipeline file; without a name the first of .takt.yml and .takt/*.yml')
    .argument('[file]')
    .option('--mermaid', 'in the words of Mermaid, for a README')
    .option(...JSON_OUT)
    .action(
      ending(async (name: string | undefined, options) => (await import('./graph.ts')).graph(name, options)),
    )
  add('schema', 'print the pipeline language as JSON Schema, for editors').action(
    ending(async () => (await import('./schema.ts')).schema()),
  )
}

function processes(add: Add, ending: EndingWith): void {
  add(
    'up',
    'start everything on this machine: server, runner and, unless DATABASE_URL is set, PostgreSQL',
  ).action(ending(async () => (await import('./up.ts')).up()))
  add('server', 'run the server alone').action(ending(async () => (await import('./server.ts')).server()))
  add('runner', 'run a runner alone').action(ending(async () => (await import('./runner.ts')).runner()))
  add('migrate', 'bring the database at DATABASE_URL up to date')
    .option(...JSON_OUT)
    .action(ending(async (options) => (await import('./migrate.ts')).migrateNow(options)))
  add('rotate-key', 'change the key that secrets are sealed with, while everything runs')
    .option(...JSON_OUT)
    .action(ending(async (options) => (await import('./rotate-key.ts')).rotateKey(options)))
  add('login-link', 'print an address that signs one browser in')
    .option(...JSON_OUT)
    .action(ending(async (options) => (await import('./login-link.ts')).loginLink(options)))
}

function projects(add: Add, ending: EndingWith): void {
  const parent = add('projects', 'who owns what')
  add('add', 'add a project', parent)
    .argument('<name>')
    .option('--repo <url>', 'its repository; without one Takt hosts a new one')
    .option('--organization <name>', 'where it belongs; without one: default')
    .option('--public', 'anybody may look at it, signed in or not')
    .option(...JSON_OUT)
    .action(
      ending(async (name: string, options) => (await import('./projects.ts')).addProject(name, options)),
    )
  add('list', 'all projects', parent)
    .option(...JSON_OUT)
    .action(ending(async (options) => (await import('./projects.ts')).listProjects(options)))
}

function runs(add: Add, ending: EndingWith): void {
  const parent = add('runs', 'what ran, runs and will run')
  add('list', 'runs, newest first', parent)
    .option('--project <name>')
    .option('--pipeline <name>')
    .option('--job <name>')
    .option('--lane <name>')
    .option('--state <state>')
    .option('--limit <count>')
    .option(...JSON_OUT)
    .action(ending(async (options) => (await import('./runs.ts')).listRuns(options)))
  add('show', 'one run with its steps', parent)
    .argument('<run>', '', runId)
    .option(...JSON_OUT)
    .action(ending(async (id: number, options) => (await import('./runs.ts')).showRun(id, options)))
  add('logs', 'what a run said')
    .argument('<run>', '', runId)
    .option('-f, --follow', 'stay until it ends; exit with 1 unless it succeeded')
    .action(ending(async (id: number, options) => (await import('./logs.ts')).logs(id, options)))
}
