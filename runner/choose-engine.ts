import type { Config } from './config.ts'
import { Checkouts } from './checkout.ts'
import { dockerEngine, findDocker } from './docker/engine.ts'
import type { House } from './docker/house.ts'
import type { Engine } from './engine.ts'
import { localEngine } from './local/engine.ts'
import type { Log } from './log.ts'
import { scriptedEngine } from './scripted.ts'

/** How long an engine may take to answer; one that takes longer is not there. */
const ANSWER_MS = 2_000
/** How long everything that all runs share may take to be made, an image that has to be pulled included. */
const PREPARED_MS = 120_000

export type Chosen = {
  readonly engine: Engine
  readonly checkouts: Checkouts
  /** What runs in Docker share; null where they are carried out elsewhere. */
  readonly house: House | null
}

/** The engine that was asked for; where none was, Docker if it answers, else plain processes. Leftovers are swept. */
export async function chooseEngine(config: Config, log: Log): Promise<Chosen> {
  const { identity, folder, path } = config
  const checkouts = new Checkouts(folder, config.gitEnv)
  const options = { identity, folder, path, checkouts, log, docker: config.docker }
  await checkouts.sweep()
  const soon = AbortSignal.timeout(ANSWER_MS)
  const kind = config.engine ?? ((await findDocker(soon)) ? 'docker' : 'local')
  // A runner that used another engine in its earlier life may have left processes behind.
  if (kind === 'docker') await localEngine(options).sweep(new Set())
  const engine = await make(kind, options)
  await engine.sweep(new Set())
  return { engine, checkouts, house: 'house' in engine ? engine.house : null }
}

type Options = Parameters<typeof localEngine>[0] & Parameters<typeof dockerEngine>[0]

function make(kind: Engine['kind'], options: Options): Promise<Engine & { readonly house: House }> | Engine {
  switch (kind) {
    case 'docker':
      return dockerEngine(options, AbortSignal.timeout(PREPARED_MS))
    case 'local':
      return localEngine(options)
    case 'scripted':
      return scriptedEngine()
  }
}
