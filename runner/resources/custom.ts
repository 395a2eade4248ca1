import type { Get, Plan, Put } from '#pipelines/wire/plan.ts'
import { LABEL } from '../docker/labels.ts'
import { EngineError, FOLDERS, StepFailed } from '../engine.ts'
import type { Fields, Place } from '../resources.ts'
import { artifactsOf } from './artifacts.ts'
import { clearInput } from './clear-input.ts'
import { Program } from './program.ts'
import type { Machine } from './program.ts'
import { madeOf, PROGRAM, questionOf } from './protocol.ts'
import type { Made, ProgramName, Question } from './protocol.ts'
import { emptyFolder, renamed, retar } from './retar.ts'

export type CustomGet = Extract<Get, { kind: 'custom' }>
export type CustomPut = Extract<Put, { kind: 'custom' }>

/** Where a program finds its files; the protocol gives it the path as its only argument. */
const BUILD = 'tmp/build'

/**
 * Let an image fetch a version, as Concourse would, and move what it fetched into the run's `inputs`.
 *
 * The image works in a container's own folder and not in the run's volume: it is a real folder at the path that the protocol
 * names, and whatever the image makes of it (links, devices, another user's files) passes the workspace's own checks.
 */
export async function getCustom(machine: Machine, get: CustomGet, at: Place): Promise<Fields> {
  const folder = `${BUILD}/get`
  await using program = await programOf(machine, { ...get, name: 'in', folder }, at)
  await program.write(emptyFolder(folder), at.signal)
  const made = await ask(program, { ...get, name: 'in' }, at)
  await moveIn(program, { ...get, folder }, at)
  await tell(at, made)
  return made.version
}

/** Let an image make a version of the run's files. The files are copies: what the image does to them nobody else sees. */
export async function putCustom(machine: Machine, put: CustomPut, at: Place): Promise<Made> {
  const folder = `${BUILD}/put`
  await using program = await programOf(machine, { ...put, name: 'out', folder }, at)
  await program.write(emptyFolder(folder), at.signal)
  for (const { path, name } of await artifactsOf(put.params, at)) {
    const files = await at.workspace.read(path, at.signal)
    const to = name === '' ? folder : `${folder}/${name}`
    const names = { from: path.slice(path.lastIndexOf('/') + 1), to }
    if (files)
      await program.write(
        retar(files, (entry) => renamed(entry, names)),
        at.signal,
      )
  }
  // These two are for whoever runs the program.
  const { no_get: _, get_params: __, ...params } = put.params
  const made = await ask(program, { ...put, params, name: 'out' }, at)
  await tell(at, made)
  return made
}

type ProgramOf = { readonly image: string; readonly name: ProgramName; readonly folder: string }

function programOf(machine: Machine, { image, name, folder }: ProgramOf, at: Place): Promise<Program> {
  const { plan } = at.work
  const facts = {
    image,
    argv: [PROGRAM[name], `/${folder}`],
    env: environmentOf(plan),
    name: `takt-${plan.run}-${plan.attempt}-${name}`,
    labels: {
      [LABEL.run]: String(plan.run),
      [LABEL.attempt]: String(plan.attempt),
    },
    who: 'run' as const,
    limits: plan.limits,
  }
  return Program.create(machine, facts, {
    signal: at.signal,
    hear: at.write,
    ran: (ran) => at.work.ran(ran),
  })
}

/** What Concourse tells its programs of the build, in our words: a team is a project, a build a run. */
function environmentOf({ run, attempt, project, pipeline, job, env }: Plan): Record<string, string> {
  const url = env['TAKT_URL']
  return {
    BUILD_ID: String(run),
    BUILD_NAME: `${run}.${attempt}`,
    BUILD_JOB_NAME: job,
    BUILD_PIPELINE_NAME: pipeline,
    BUILD_TEAM_NAME: project,
    ...(url ? { ATC_EXTERNAL_URL: url, BUILD_URL: `${url}/runs/${run}` } : {}),
  }
}

type Asked = Question & { readonly name: ProgramName; readonly resource: string }

async function ask(program: Program, { name, resource, ...question }: Asked, at: Place): Promise<Made> {
  const input = questionOf(question)
  const { exitCode, stdout } = await program.run(input, {
    signal: at.signal,
    hear: at.write,
    ran: (ran) => at.work.ran(ran),
  })
  if (exitCode === 0) return madeOf(name, stdout)
  throw new StepFailed(exitCode, `${PROGRAM[name]} of \`${resource}\` ended with ${exitCode}.`)
}

/** Unpack what was fetched as `inputs/<resource>`. */
async function moveIn(
  program: Program,
  { resource, image, folder }: CustomGet & { folder: string },
  at: Place,
): Promise<void> {
  if (!(await program.holdsFolder(`/${folder}`)))
    throw new EngineError(
      'bad_answer',
      `The image ${image} put something else where its folder /${folder} was.`,
    )
  await clearInput(resource, at)
  const files = await program.read(`/${folder}`, at.signal)
  const names = { from: folder.slice(folder.lastIndexOf('/') + 1), to: resource }
  await at.workspace.write(
    FOLDERS.inputs,
    retar(files, (entry) => renamed(entry, names)),
    at.signal,
  )
}

/** The version and what the image tells of it, in the step's log. */
async function tell({ write }: Place, { version, metadata }: Made): Promise<void> {
  const lines = [...Object.entries(version), ...metadata.map(({ name, value }) => [name, value] as const)]
  await write(Buffer.from(lines.map(([name, value]) => `${name}: ${value}\n`).join('')))
}
