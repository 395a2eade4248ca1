import { LABEL } from '../../docker/labels.ts'
import { clamped } from '../../docker/limits.ts'
import { openRoom } from '../../docker/walled-room.ts'
import { StepFailed } from '../../engine.ts'
import type { Place } from '../../resources.ts'
import type { Machine } from '../program.ts'
import { type Build, dockerfileOf } from './context.ts'
import { readDockerfile } from './dockerfile.ts'

/** Which of the engine's builders carries a build out, and what its `RUN` lines reach. */
export type BuildRoom = AsyncDisposable & {
  readonly builder: 'buildkit' | 'classic'
  /** Of the Dockerfile that was judged; null where nothing depends on it. */
  readonly text: string | null
  /** As the engine's API takes them. */
  readonly options: Readonly<Record<string, string | number>>
}

/** These give the commands what the build says, and nothing else; another one may give them what it likes. */
const OWN_READER = /^(docker\.io\/)?docker\/dockerfile(-upstream)?([:@]|$)/
const PERIOD_US = 100_000

/**
 * Where the `RUN` lines of a Dockerfile run, which are anybody's code.
 *
 * BuildKit gives them the engine's own bridge, or nothing: it knows no other network. The older builder takes a network of ours,
 * and a run's limits. So that one builds what has commands and needs no BuildKit; the rest is BuildKit's, without a network.
 *
 * @throws {StepFailed} Where the Dockerfile sends the engine itself somewhere, or wants to be read by a program of its own.
 */
export async function roomOf(machine: Machine, build: Build, at: Place): Promise<BuildRoom> {
  if (machine.builds === 'bridge') return without({ builder: 'buildkit', text: null, options: {} })
  const text = await dockerfileOf(build, at)
  if (text === null)
    throw new StepFailed(
      1,
      `The image could not be built: there is no plain file \`${build.dockerfile}\` in the folder \`${build.context}\`.`,
    )
  const file = readDockerfile(text)
  expectInside([...file.frontends, ...readersIn(build.args)], file.fetched)
  const closed = without({ builder: 'buildkit', text, options: { networkmode: 'none' } })
  if (!file.hasRun) return closed
  if (machine.builds === 'walled' && file.modern === null) return walled(machine, text, at)
  const why = file.modern === null ? '' : `, as \`${file.modern}\` needs BuildKit`
  await at.write(Buffer.from(`RUN has no network here${why} (TAKT_BUILD_NETWORK of this runner).\n`))
  return closed
}

const without = (room: Omit<BuildRoom, typeof Symbol.asyncDispose>): BuildRoom => ({
  ...room,
  [Symbol.asyncDispose]: async () => {},
})

/** BuildKit reads its reader off this argument, too. */
const readersIn = ({ BUILDKIT_SYNTAX: named }: Build['args']): string[] => (named ? [named] : [])

function expectInside(frontends: readonly string[], fetched: string | null): void {
  const foreign = frontends.find((name) => !OWN_READER.test(name))
  if (foreign !== undefined)
    throw refused(
      `it wants to be read by \`${foreign}\`, which might run what it likes where it likes; name docker/dockerfile, or none`,
    )
  if (fetched !== null)
    throw refused(
      `ADD \`${fetched}\` would be fetched by the engine from its own machine's place; fetch it in a step of the job, or with RUN`,
    )
}

const refused = (why: string) =>
  new StepFailed(
    1,
    `The image could not be built: ${why}. The operator's TAKT_BUILD_NETWORK=bridge allows it all the same.`,
  )

async function walled(machine: Machine, text: string, at: Place): Promise<BuildRoom> {
  const { plan } = at.work
  const limits = clamped(plan.limits, machine.maxima)
  const labels = { [LABEL.run]: String(plan.run), [LABEL.attempt]: String(plan.attempt) }
  const room = await openRoom({ ...machine, limits, labels }, at.signal)
  return {
    builder: 'classic',
    text,
    options: {
      networkmode: room.networkMode,
      memory: limits.memoryBytes,
      memswap: limits.memoryBytes,
      cpuperiod: PERIOD_US,
      cpuquota: Math.round(limits.cpus * PERIOD_US),
      ...(room.cgroup === null ? {} : { cgroupparent: room.cgroup }),
    },
    [Symbol.asyncDispose]: () => room[Symbol.asyncDispose](),
  }
}
