import { z } from 'zod'
import { LABEL } from '../../labels.ts'
import { gets, needs, start, when } from './edges.ts'
import { Form } from './forms.ts'
import { Limits } from './resources.ts'
import {
  env,
  ENV_NAME,
  flag,
  glob,
  image,
  key,
  listOf,
  longSpan,
  name,
  oneOf,
  ruled,
  secretName,
  shortSpan,
  some,
  someText,
  text,
  whole,
} from './scalars.ts'
import { approve, commands, group, hooks, puts, retry, steps, use } from './steps.ts'

const paths = some(glob, 50)

const cache = z.record(
  name,
  z.union([
    some(someText, 20),
    z.strictObject({
      key: some(someText, 20).describe('Files whose content is the key'),
      paths: key(paths, 'What is kept; what the tool of that name uses when absent'),
    }),
  ]),
)

const outputName = ruled({ rule: 'env-name' }, (value) =>
  ENV_NAME.test(value)
    ? null
    : `\`${value}\` cannot be written as key=value: letters, digits and _ make a name`,
)

const Health = z.strictObject({
  tcp: key(whole(1, 65_535), 'The port that must answer'),
  http: key(
    z.strictObject({
      port: whole(1, 65_535).describe('The port to ask'),
      path: key(someText, 'The path to ask for; `/` when absent'),
    }),
    'A request that must be answered with 200 to 399',
  ),
  run: key(someText, 'A command inside the container that must end with 0'),
  interval: key(shortSpan, 'The pause between two looks'),
  timeout: key(shortSpan, 'How long it may take to become healthy'),
})
const Container = z.strictObject({
  image: image.describe('The image of the service'),
  env: key(env, 'Its variables'),
  run: key(commands, 'What it runs, where that is not what the image says'),
  health: key(
    Health,
    'When it is ready; the port of a well-known image, else the first one it exposes, when absent',
  ),
  depends_on: key(some(name, 50), 'Services that must be healthy before it starts'),
})
export const services = z.record(name, z.union([image, Container]))

const axisName = ruled({ rule: 'name' }, (value) =>
  /^[a-z][a-z0-9_-]{0,49}$/.test(value)
    ? null
    : 'an axis is named with a-z, 0-9, _ and -, and begins with a letter',
)
const legs = listOf(z.record(axisName, text), 256)
export const Matrix = z
  .object({
    exclude: key(legs, 'Combinations that are left out'),
    include: key(legs, 'Combinations besides those of the axes'),
    ...group,
  })
  .catchall(listOf(text, 256))

const IdToken = z.strictObject({
  audience: some(someText.max(500, { error: 'an audience has at most 500 characters' }), 10).describe(
    'Whom the token is for, as they call themselves',
  ),
})

const Reports = z.strictObject({
  junit: key(paths, 'Test results in the form of JUnit'),
  coverage: key(paths, 'Coverage in the form of LCOV or Cobertura'),
})

const Keep = z.strictObject({
  paths: paths.describe('What is kept and handed to the jobs that need this one'),
  for: key(longSpan, 'How long; 30d when absent'),
  runs: key(whole(1, 10_000), 'Of how many runs; 50 when absent'),
})

/** It is an index's key, and people read it. */
const groupName = someText.max(200, { error: 'the name of a group has at most 200 characters' })
const Concurrency = z.strictObject({
  group: key(groupName, 'Runs of one group share the limit, across jobs; the job itself when absent'),
  limit: key(whole(1, 1_000), 'How many run at once; 1 when absent'),
  superseded: key(
    oneOf('cancel_running', 'cancel_waiting', 'queue'),
    'What a newer run does to an older one; pull requests cancel, other lanes queue when absent',
  ),
})

const labelProblem = (value: string) =>
  LABEL.test(value.replaceAll(/\$\([^()]*\)/g, 'x')) && value.length <= 100
    ? null
    : `\`${value}\` is no label: letters, digits and ._/:@+- make one, such as \`gpu\` or \`arch=arm64\``
const label = ruled({ rule: 'value' }, labelProblem)
const labelPairs = z.record(someText, text).superRefine((pairs, ctx) => {
  for (const [name, value] of Object.entries(pairs)) {
    const message = labelProblem(`${name}=${value}`)
    if (message !== null) ctx.addIssue({ code: 'custom', message, path: [name] })
  }
  if (Object.keys(pairs).length > 20)
    ctx.addIssue({ code: 'custom', message: 'a job asks for at most 20 labels' })
})
const runsOn = z.union([some(label, 20), labelPairs])

/** What a job may leave to `defaults`. */
export const shared = {
  image: key(image, 'The image that commands run in'),
  timeout: key(shortSpan, 'How long a run may take; 60m when absent'),
  inactivity: key(shortSpan, 'How long a run may say nothing; 15m when absent'),
  env: key(env, 'Variables for every command'),
  cache: key(cache, 'Folders of tools that are kept from run to run, by the files that they depend on'),
  retry: key(retry, 'How often a run is tried again; 0 for failed and 2 for errored when absent'),
  runs_on: key(runsOn, 'The labels a runner must have'),
  limits: key(Limits, 'How much of the machine a run may use'),
}

export const Job = z.strictObject({
  get: key(
    gets,
    'Resources to read; a new version starts the job. The first git resource is the working directory',
  ),
  needs: key(needs, 'Jobs that must have turned the same versions green'),
  start: key(start, 'How runs start: for each agreed set, strictly in order, or at once'),
  when: key(when, 'The kinds of lanes and starts the job runs for; all of them when absent'),
  if: key(someText, 'Runs only when this holds; a version that is filtered out counts as passed through'),
  paths: key(paths, 'Runs only when one of these paths changed'),
  run: key(commands, 'Commands for one shell; each item of a list is a fold of the log with its own time'),
  put: key(puts, 'Resources to write when the commands succeeded'),
  approve: key(approve, 'A gate before the commands: people decide'),
  steps: key(steps, 'The long form of `approve`, `run` and `put`'),
  use: key(use, 'A template that this job is made of: `repository//path@commit`'),
  with: key(z.record(someText, text), 'What the template is told'),
  secrets: key(some(secretName, 100), 'Secrets that arrive as variables; never on pull requests'),
  keep: key(z.union([some(glob, 50), Keep]), 'Files that are kept and handed to the jobs that need this one'),
  id_token: key(IdToken, 'A token that says who the run is, as $TAKT_ID_TOKEN; never on pull requests'),
  outputs: key(some(outputName, 100), 'Values that the job writes to $TAKT_OUTPUT as key=value lines'),
  services: key(services, 'Containers beside the job, healthy before its commands start'),
  matrix: key(Matrix, 'Axes and their values: the job runs once for each combination'),
  reports: key(z.union([some(glob, 50), Reports]), 'Files with results to show; junit when only named'),
  allow_failure: key(flag, 'Whether the line goes on when the job fails'),
  environment: key(name, 'The environment it changes: one run at a time, in the order of versions'),
  concurrency: key(z.union([groupName, Concurrency]), 'How many runs at once'),
  priority: key(whole(-100, 100), 'Which waiting run goes first; 0 when absent'),
  inputs: key(Form, 'What people fill in when they start the job by hand'),
  ...shared,
  ...hooks,
})
