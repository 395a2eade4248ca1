import { hostname, userInfo } from 'node:os'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunId } from '#pipelines/ids.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import type { Checkouts } from '../checkout.ts'
import { type Engine, EngineError } from '../engine.ts'
import type { Log } from '../log.ts'
import { killMarked } from './processes.ts'
import { openWorkspace, OWNER } from './workspace.ts'

export type LocalOptions = {
  /** Stands in the mark of every process, so that a later life of this runner finds it. */
  readonly identity: string
  /** The runner's own folder; runs get theirs under `runs`. */
  readonly folder: string
  readonly checkouts: Checkouts
  /** Where the commands find programs; nothing else of the machine's environment reaches them. */
  readonly path: string
  readonly log: Log
}

/** Runs as plain processes of this machine, as this user: for a laptop, a first look, and trusted code only. */
export function localEngine(options: LocalOptions): Engine {
  return {
    kind: 'local',
    isolated: false,
    words: `local processes on ${hostname()}, no isolation`,
    open: async (plan, openOptions) => {
      refuseServices(plan)
      await openOptions.say(
        `There is no isolation: commands run as ${userInfo().username} on ${hostname()}.\n`,
      )
      if (plan.image) await openOptions.say(`The image ${plan.image} is not used.\n`)
      return openWorkspace(options, plan, openOptions)
    },
    sweep: (keep) => sweep(options, keep),
    close: async () => {},
  }
}

/** A job that has services relies on them: without them it would fail for another reason, or be green and have tested nothing. */
function refuseServices({ services }: Plan): void {
  if (services.length === 0) return
  const names = services.map(({ name }) => `\`${name}\``).join(', ')
  throw new EngineError(
    'services_need_docker',
    `This runner has no Docker engine, and the services of the job (${names}) are containers. \`runs_on: { engine: docker }\` asks for a runner that has one.`,
  )
}

/** End what a killed runner's runs left running, then remove their folders. */
async function sweep({ folder, identity, log }: LocalOptions, keep: ReadonlySet<RunId>): Promise<void> {
  const runs = join(folder, 'runs')
  const names = await readdir(runs).catch(() => []) // no folder yet: nothing was ever left
  for (const name of names) {
    const run = Number(name.split('-')[0]) as RunId
    const owner = await readFile(join(runs, name, OWNER), 'utf8').catch(() => null) // died before it was written
    if (keep.has(run) || (owner !== null && owner !== identity)) continue
    const processes = await killMarked(`${identity}:${name}:`)
    await rm(join(runs, name), { recursive: true, force: true })
    log.info({ run, processes }, 'orphan.removed')
  }
}
