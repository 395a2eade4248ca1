import Docker from 'dockerode'
import packageFile from '../package.json' with { type: 'json' }
import { callServer } from './call-server.ts'
import { chooseEngine } from './choose-engine.ts'
import { ConfigError, readConfig } from './config.ts'
import { EngineError } from './engine.ts'
import { serverFreight } from './freight/freight.ts'
import { Refused } from './connection.ts'
import { Link } from './link.ts'
import { createLog } from './log.ts'
import { ownFolder } from './own-folder.ts'
import { openPool } from './pool/open-pool.ts'
import { carriedOut } from './resources/carried-out.ts'
import { Checks } from './resources/check.ts'
import { sweepImages } from './resources/image/put.ts'
import { serve } from './serve.ts'
import { Stop } from './stop.ts'
import { dockerDoor } from './terminal/docker-door.ts'
import { openLobby } from './terminal/lobby.ts'

const EXIT = { good: 0, stoppedAtOnce: 1, refused: 2 } as const
/** Resources that are checked at once, beside the runs: most of it is waiting for others. */
const CHECK_SLOTS = 4
/** After the second signal: long enough for the last reports over a good connection. */
const HASTE_MS = 2_000

const log = createLog()
const quit = new AbortController()
const atOnce = new AbortController()
for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.on(name, () => {
    log.info({ signal: name, atOnce: quit.signal.aborted }, 'runner.stopping')
    if (quit.signal.aborted) atOnce.abort()
    quit.abort()
  })
}
process.exitCode = await main().catch((error: unknown) => {
  if (quit.signal.aborted && error instanceof Error && error.name === 'AbortError') return EXIT.good // before it began
  if (!(error instanceof ConfigError || error instanceof EngineError || error instanceof Refused)) throw error
  log.fatal({ reason: error.message }, 'runner.refused')
  return EXIT.refused
})
process.exit()

/** @returns The exit code. */
async function main(): Promise<number> {
  const config = readConfig()
  await using _folder = await ownFolder(config.folder, { log, signal: quit.signal })
  const { engine, checkouts, house } = await chooseEngine(config, log)
  const { kind, isolated, words } = engine
  await using last = new AsyncDisposableStack()
  last.defer(() => engine.close()) // behind all below that has something at the engine
  const { address, server, token, name, slots, idleMs, labels } = config
  await using opened = openPool({ ...slots, idleMs }, { engine, log })
  const self = {
    name,
    version: packageFile.version,
    engine: { kind, isolated, words },
    slots: slots.least,
    pool: opened.self,
    checks: house ? CHECK_SLOTS : 0,
    labels: { ...ownLabels(kind), ...labels },
    privileged: [...(house?.trusted ?? [])],
  }
  log.info({ name, engine: words, ...slots, server: address }, 'runner.started')
  await using lobby = openLobby(kind === 'docker' ? dockerDoor(new Docker(), log) : null, log)
  await using checks = house && new Checks(house, { slots: CHECK_SLOTS })
  if (house) await sweepImages(house)
  const call = callServer(server)
  const resources = carriedOut({ machine: house, checkouts, call })
  const service = serve(
    { engine, log, freight: serverFreight(call), resources, lobby },
    {
      pool: opened.pool,
      most: slots.most,
      quit: quit.signal,
      connect: (taker) =>
        new Link({
          address,
          token,
          self,
          log,
          checks,
          terminals: lobby.terminals,
          ...opened.linked,
          ...taker,
        }),
    },
  )
  opened.attach(service.link)
  return await untilStopped(service)
}

/** What every runner offers without being told. Architectures are called as images call them. */
function ownLabels(engine: string): Record<string, string> {
  return { os: process.platform, arch: process.arch === 'x64' ? 'amd64' : process.arch, engine }
}

async function untilStopped({ link, idle }: ReturnType<typeof serve>): Promise<number> {
  const hangUp = new AbortController()
  const living = link.live(hangUp.signal)
  const stopAll = () =>
    link.carrying.forEach((work) => work.stop(new Stop('runner_stopped', 'The runner was stopped.')))
  atOnce.signal.addEventListener('abort', stopAll)
  living.catch(stopAll) // refused for good: nobody will ever hear of these runs
  const stopped = new Promise<void>((resolve) => quit.signal.addEventListener('abort', () => resolve()))
  await Promise.race([living, stopped]).catch(async (error: unknown) => {
    await idle()
    throw error
  })
  await idle()
  await Promise.race([living, link.flush(lastMoment())])
  hangUp.abort()
  await living
  return atOnce.signal.aborted ? EXIT.stoppedAtOnce : EXIT.good
}

/** Aborts a little after the operator's second signal, however late that comes. */
function lastMoment(): AbortSignal {
  const moment = new AbortController()
  const arm = () => setTimeout(() => moment.abort(), HASTE_MS)
  if (atOnce.signal.aborted) arm()
  else atOnce.signal.addEventListener('abort', arm)
  return moment.signal
}
