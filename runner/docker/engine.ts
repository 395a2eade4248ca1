import Docker from 'dockerode'
import type { RunId } from '#pipelines/ids.ts'
import type { Plan } from '#pipelines/wire/plan.ts'
import { EngineError } from '../engine.ts'
import type { Engine, OpenOptions, Workspace } from '../engine.ts'
import { orAbort } from '../stop.ts'
import { buildHouse, type DockerOptions, type House } from './house.ts'
import { wordsOf } from './refusal.ts'
import { sweep } from './sweep.ts'
import { openWorkspace } from './workspace.ts'

/** The Docker engine at `DOCKER_HOST`, or at the usual socket; null where none answers before `signal` aborts. */
export async function findDocker(signal: AbortSignal): Promise<{ docker: Docker; words: string } | null> {
  const docker = new Docker()
  try {
    const { Version } = await orAbort(docker.version(), signal)
    return { docker, words: `Docker ${Version}` }
  } catch {
    return null // no engine is an answer: the caller chooses another one or says so
  }
}

/** Runs in containers: each with a volume and a network namespace of its own, from where it reaches no other run. */
export async function dockerEngine(
  options: DockerOptions,
  signal: AbortSignal,
): Promise<Engine & { readonly house: House }> {
  const found = await findDocker(signal)
  if (!found)
    throw new EngineError(
      'engine_unavailable',
      'No Docker engine answers at DOCKER_HOST or /var/run/docker.sock.',
    )
  const { docker, words } = found
  const house = await buildHouse(docker, options, signal)
  return {
    kind: 'docker',
    isolated: true,
    words,
    house,
    open: (plan, openOptions) => open(house, plan, { ...openOptions, words }),
    sweep: (keep: ReadonlySet<RunId>) => sweep(house, keep),
    close: () => Promise.resolve(house[Symbol.asyncDispose]()),
    check: checkOf(house),
  }
}

/** Asks whether the engine answers; what could not be removed while it did not is tried again as soon as it does. */
function checkOf({ docker, remains }: House): (soon: AbortSignal) => Promise<void> {
  let away = false
  return async (soon) => {
    try {
      await answers(docker, soon)
    } catch (error) {
      away = true
      throw error
    }
    if (away) void remains.again()
    away = false
  }
}

/** @throws {EngineError} When the engine does not answer. */
async function answers(docker: Docker, signal: AbortSignal): Promise<void> {
  try {
    await orAbort(docker.ping(), signal)
  } catch (cause) {
    const why = signal.aborted ? 'it says nothing' : wordsOf(cause)
    throw new EngineError('engine_unavailable', `Docker does not answer: ${why}`, { cause })
  }
}

async function open(house: House, plan: Plan, options: OpenOptions & { words: string }): Promise<Workspace> {
  try {
    return await openWorkspace(house, plan, options)
  } catch (error) {
    options.signal.throwIfAborted()
    if (error instanceof EngineError) throw error
    throw new EngineError('engine_unavailable', `Docker could not make the container: ${wordsOf(error)}`, {
      cause: error,
    })
  }
}
