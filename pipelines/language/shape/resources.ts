import { z } from 'zod'
import { parseCron } from '../cron.ts'
import { parseDuration } from '../duration.ts'
import { globProblem } from '../glob.ts'
import {
  decimal,
  env,
  flag,
  glob,
  image,
  key,
  longSpan,
  mapping,
  name,
  oneOf,
  ruled,
  secretName,
  shortSpan,
  some,
  someText,
  text,
  whole,
  zone,
} from './scalars.ts'

const watched = {
  check: key(shortSpan, 'How often to look for new versions where nothing reports them'),
  pin: key(someText, 'The one version that jobs get, until the pin is taken away'),
}
const login = key(secretName, 'The secret that opens it')

export const GitResource = z.strictObject({
  git: someText.describe('`.` for the repository this file lies in, else an https:// or ssh:// address'),
  branch: key(someText, 'The one branch whose commits are versions'),
  paths: key(some(glob, 50), 'Only commits that touch one of these paths are versions'),
  depth: key(whole(0, 1_000_000), 'How many commits are fetched; 0 for all of them'),
  submodules: key(flag, 'Whether submodules are fetched'),
  lfs: key(flag, 'Whether large files are fetched'),
  login,
  ...watched,
})

const RegistryResource = z.strictObject({
  registry: someText.describe(
    'The image without its tag, such as `ghcr.io/acme/shop`; every pushed digest is a version',
  ),
  tag: key(glob, 'Only digests pushed under such a tag are versions'),
  login,
  ...watched,
})

const moment = ruled(
  { rule: 'cron', hint: 'such as `0 3 * * 1-5`: at three, Monday to Friday; or a span, such as 15m' },
  (value) => {
    if (parseDuration(value) !== null) return null
    const parsed = parseCron(value)
    return 'problem' in parsed ? `\`${value}\` is not a schedule: ${parsed.problem}` : null
  },
)
const TimeResource = z.strictObject({
  time: moment.describe(
    'A schedule of five fields, or a span such as 15m; every time that comes is a version',
  ),
  timezone: key(zone, 'The zone that the schedule is read in; UTC when absent'),
  misfire: key(oneOf('skip', 'once', 'all'), 'What happens to times that passed while the server was down'),
  misfire_grace: key(shortSpan, 'How late a time may come and still be on time'),
  max_catch_up: key(whole(1, 1_000), 'The most missed times that `misfire: all` makes up for'),
  overlap: key(
    oneOf('skip', 'queue', 'cancel_running', 'allow'),
    'What happens when the last run still runs',
  ),
  jitter: key(shortSpan, 'The most that a time is put off, so that not everything begins at once'),
})

const SEMVER = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$/
const SemverResource = z.strictObject({
  semver: z
    .strictObject({
      initial: key(
        ruled({ rule: 'value' }, (value) =>
          SEMVER.test(value) ? null : `\`${value}\` is not a version such as 1.0.0`,
        ),
        'The first version; 0.0.0 when absent',
      ),
    })
    .describe('A version number that `put` raises'),
})

const ParamsResource = z.strictObject({
  params: env.describe('Keys and values; an edit of one is a version'),
})
const StateResource = z.strictObject({
  state: z
    .strictObject({})
    .describe('Shared files and keys that `get` reads and `put` writes; never starts a job'),
})
const FilesResource = z.strictObject({
  files: z
    .strictObject({
      keep: key(longSpan, 'How long a version is kept'),
      runs: key(whole(1, 10_000), 'How many versions are kept'),
    })
    .describe('A store of artifacts; every `put` is a version'),
})
const EventResource = z.strictObject({
  event: z
    .strictObject({
      source: name.describe('The source whose events are versions, as it is named in the project'),
      if: key(
        z.record(someText, some(text, 50)),
        'Only events whose body has these values at these places (`a.b` goes into `a`) are versions',
      ),
      debounce: key(shortSpan, 'How long to wait for a newer event before this one counts'),
    })
    .describe('Events from outside'),
})
const PART = '[a-z0-9-]{1,100}'
const JOB_ADDRESS = new RegExp(`^(${PART}/)?${PART}/${PART}$`)
const jobAddress = ruled({ rule: 'value', hint: 'such as `shop/main/publish`' }, (value) =>
  JOB_ADDRESS.test(value)
    ? null
    : `\`${value}\` is no job’s address: \`project/pipeline/job\`, or \`pipeline/job\` of this project`,
)
/** What only pull requests could mean is no lane to follow. */
const followed = ruled({ rule: 'glob' }, (value) => {
  if (/^!?pr\//.test(value)) return `\`${value}\`: pull requests start nothing in other pipelines`
  const problem = globProblem(value)
  return problem && `\`${value}\` matches nothing: ${problem}`
})
const UpstreamResource = z.strictObject({
  upstream: jobAddress.describe(
    'The job of another pipeline whose green runs are versions: `project/pipeline/job`, or `pipeline/job` of this project',
  ),
  lane: key(
    some(followed, 20),
    'The lanes it follows, such as `release/*`; the default branch’s when absent, and never a pull request’s',
  ),
})
const CustomResource = z.strictObject({
  type: name.describe('One of `resource_types`'),
  source: key(mapping, 'What the image of the type is told'),
  version: key(mapping, 'The one version to get, as the type writes it'),
  ...watched,
})

/** A resource says by one key what it is. */
export const Resource = z.union([
  GitResource,
  RegistryResource,
  TimeResource,
  SemverResource,
  ParamsResource,
  StateResource,
  FilesResource,
  EventResource,
  UpstreamResource,
  CustomResource,
])
export type Resource = z.output<typeof Resource>

export const ResourceType = z.strictObject({
  image: image.describe('An image that speaks the Concourse resource protocol'),
  source: key(mapping, 'What every resource of the type is told'),
})

const puts = {
  registry: z.strictObject({
    build: key(text, 'The folder an image is built from'),
    dockerfile: key(someText, 'The Dockerfile, from that folder; `Dockerfile` when absent'),
    target: key(someText, 'The stage of the Dockerfile to build'),
    args: key(env, 'Arguments of the build'),
    platforms: key(some(someText, 10), 'Such as linux/amd64'),
    image: key(someText, 'An image that the job built itself, by its local name'),
    tags: key(some(someText, 20), 'Tags that the new digest is pushed under'),
  }),
  git: z.strictObject({
    branch: key(someText, 'The branch to push to; the one of the resource when absent'),
    tag: key(someText, 'A tag to set'),
    message: key(someText, 'The message of the commit'),
    paths: key(some(glob, 50), 'What to commit; everything that changed when absent'),
  }),
  semver: z.strictObject({
    bump: key(oneOf('major', 'minor', 'patch', 'final'), 'Which part goes up; `patch` when absent'),
    pre: key(someText, 'The word of a version that comes before the final one, such as rc'),
  }),
  params: z.strictObject({
    set: env.describe('The keys to write'),
    overwrite: key(flag, 'Whether the keys that are not named go; they stay when absent'),
  }),
  files: z.strictObject({ paths: key(some(glob, 50), 'What to store; all kept files when absent') }),
  state: z.strictObject({
    paths: key(some(glob, 50), 'Files to store'),
    set: key(env, 'Keys to write'),
  }),
  custom: mapping,
} as const
/** What `put` may be told, by the kind of resource. Kinds that are left out are never put. */
export const PUTS: Readonly<Record<string, z.ZodType>> = puts

export const Limits = z.strictObject({
  cpu: key(decimal, 'Processors; 2 when absent'),
  memory: key(
    ruled({ rule: 'value' }, (value) =>
      /^[1-9]\d{0,6}(\.\d)?(M|G|Mi|Gi)$/.test(value)
        ? null
        : `\`${value}\` is not a size such as 512Mi or 4Gi`,
    ),
    'Memory; 4Gi when absent',
  ),
  pids: key(whole(1, 1_000_000), 'Processes; 1024 when absent'),
})
