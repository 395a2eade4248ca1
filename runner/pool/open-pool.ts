import type { Engine } from '../engine.ts'
import type { Link, LinkOptions } from '../link.ts'
import type { Log } from '../log.ts'
import { Health } from './health.ts'
import { type MachineRoom, ownMachine } from './machine.ts'
import { Pool } from './pool.ts'
import { Tidings, type Told } from './tidings.ts'

type Size = { readonly least: number; readonly most: number; readonly idleMs: number }
type House = {
  readonly engine: Pick<Engine, 'check'>
  readonly log: Log
  /** What the runs are carried out on; without it the machine that this process runs on. */
  readonly machine?: () => MachineRoom
}

/** The runner's slots, watched for as long as this is not disposed of, and what of them the server is told over the link. */
export type OpenedPool = AsyncDisposable & {
  readonly pool: Pool
  /** What a hello says of it. */
  readonly self: { readonly least: number; readonly most: number; readonly life: string }
  readonly linked: Required<Pick<LinkOptions, 'standing' | 'steer'>>
  /** From now on the server is told over this link. */
  attach(link: Pick<Link, 'ready' | 'stands'>): void
}

export function openPool(
  { least, most, idleMs }: Size,
  { engine, log, machine = ownMachine() }: House,
): OpenedPool {
  const stack = new AsyncDisposableStack()
  const tidings = new Tidings()
  let link: Pick<Link, 'ready' | 'stands'> | null = null
  const tell = (event: Told) => {
    log.info({ kind: event.kind, words: event.words }, 'pool.changed')
    tidings.tell(event)
    link?.stands()
  }
  const changed = () => link?.ready()
  const pool = new Pool({ least, most, idleMs, machine, tell, changed })
  const health = watched(stack, engine, {
    tell,
    ail: (trouble) => {
      tidings.ail(trouble)
      link?.stands()
      pool.ail(trouble)
    },
  })
  stack.use(pool.watch())
  let resets = 0
  const steer: OpenedPool['linked']['steer'] = (wishes) => {
    if (wishes.resets > resets) health?.reset()
    resets = Math.max(resets, wishes.resets)
    pool.steer(wishes.mode)
  }
  return {
    pool,
    self: { least, most, life: tidings.life },
    linked: {
      standing: { now: () => tidings.standing(pool.slots), noted: (seq) => tidings.noted(seq) },
      steer,
    },
    attach: (to) => void (link = to),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

type Listener = Pick<ConstructorParameters<typeof Health>[0], 'tell' | 'ail'>

/** An engine that cannot be asked is taken to be well. */
function watched(stack: AsyncDisposableStack, engine: House['engine'], told: Listener): Health | null {
  const check = engine.check?.bind(engine)
  if (!check) return null
  const quit = new AbortController()
  const health = new Health({ check, ...told })
  const watching = health.watch(quit.signal)
  stack.defer(async () => {
    quit.abort()
    await watching
  })
  return health
}
