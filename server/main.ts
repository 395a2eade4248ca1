import { mkdir, readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { hostname } from 'node:os'
import { createAdaptorServer } from '@hono/node-server'
import { type Book, openBook } from './audit/book.ts'
import { startCalls } from './acts/call-worker.ts'
import { startActs } from './acts/worker.ts'
import { keyFile, newSecret } from './access/key-files.ts'
import { providersOf } from './access/providers.ts'
import { ensureAdmin, ensureToken } from './access/queries.ts'
import { createApp } from './app.ts'
import { signerOf } from './attestations/envelope.ts'
import type { Config } from './config.ts'
import { connect, type Db } from './db/connect.ts'
import { startEmbedded } from './db/embedded.ts'
import { migrate } from './db/migrate.ts'
import { type Hints, listen } from './events/listen.ts'
import { startWorker } from './events/worker.ts'
import { openStore } from './files/open-store.ts'
import type { Store } from './files/store.ts'
import { startSweeper } from './files/sweep.ts'
import { forgeTokens } from './checks/forge-tokens.ts'
import { pullForgesOf } from './forges/pull-forges.ts'
import { startGates } from './gates/worker.ts'
import { catchUpAll } from './hosting/catch-up.ts'
import { DEMO, ensureDemo } from './hosting/demo.ts'
import { loginsOf } from './checks/logins.ts'
import { subscribeAll } from './checks/subscribe.ts'
import type { Moved } from './checks/git.ts'
import { startChecks } from './checks/worker.ts'
import type { Tx } from './db/transact.ts'
import { deliveryOf } from './webhooks/moved.ts'
import { storeDelivery } from './webhooks/receive.ts'
import { type Outgoing, outgoing } from './http/outgoing.ts'
import { Metrics } from './http/metrics.ts'
import { readAllowed } from './http/reachable.ts'
import { close, open, route, urlOf } from './http/listening.ts'
import { cutTheSilent } from './http/silence.ts'
import { startFeed } from './live/feed.ts'
import { liveSockets } from './live/socket.ts'
import { mailOf } from './notices/mail.ts'
import { startNotices } from './notices/worker.ts'
import { log } from './log.ts'
import { logHub } from './logs/hub.ts'
import { extendLeases, startReaper } from './runners/reap.ts'
import { deleteCondemned } from './lines/delete-condemned.ts'
import { countRuns, tellMaintenance } from './runners/metrics-route.ts'
import { runnerSockets } from './runners/socket.ts'
import { startPauses } from './runs/pauses.ts'
import { checkouts } from './runs/checkouts.ts'
import { scheduleSideBySide } from './scheduler/schedule.ts'
import { keySource } from './secrets/key-source.ts'
import { Keyring } from './secrets/keyring.ts'
import { scheduleLag } from './schedules/lag.ts'
import { startReleasing } from './schedules/release.ts'
import { startRewrapping } from './secrets/rotate.ts'
import { openStores } from './secrets/stores/open-stores.ts'
import type { Stores } from './secrets/stores/stores.ts'
import { settleNext } from './sources/settle-event.ts'
import { startSources } from './sources/worker.ts'
import { startTallies } from './tallies/worker.ts'
import { forgesOf } from './statuses/forges.ts'
import { startStatuses } from './statuses/worker.ts'
import { TerminalDesk } from './terminals/desk.ts'
import { terminalSockets } from './terminals/socket.ts'
import { startUpstreams } from './upstreams/tell-ends.ts'
import { startComparisons } from './webhooks/comparison-worker.ts'
import { startPayloadSweep } from './webhooks/sweep-payloads.ts'
import { startDeliveries } from './webhooks/worker.ts'

export interface RunningServer extends AsyncDisposable {
  /** The address that people open. */
  readonly url: string
  /** The address it listens on, which differs behind a proxy. */
  readonly local: string
  stop(): Promise<void>
}

const SWEEP_MS = 10_000

/** Put the house together, start it, and know how to stop it in order. */
export async function startServer(config: Config): Promise<RunningServer> {
  const stack = new AsyncDisposableStack()
  try {
    return await start(config, stack)
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

async function start(config: Config, stack: AsyncDisposableStack): Promise<RunningServer> {
  const dataDir = config.TAKT_DATA
  await mkdir(dataDir, { recursive: true })
  const stores = openStores(config)
  const database = config.DATABASE_URL ?? stack.use(await startEmbedded(dataDir, { log })).url
  const applied = await migrate(database)
  if (applied.length > 0) log.info({ applied }, 'database.migrated')
  const db = connect(database, (error) => log.warn({ err: error }, 'database.connection-lost'))
  stack.defer(() => db.destroy())
  const book = stack.use(openBook(db))
  const keys = await openKeys(db, config)
  const outside = stack.use(outgoing({ allow: config.TAKT_ALLOW_HOSTS }))

  const leaseMs = config.TAKT_LEASE_MS
  await extendLeases(db, leaseMs)
  const hints = stack.use(listen(database, () => extendLeases(db, leaseMs)))
  await hints.ready
  const hub = logHub()
  const feed = stack.use(await startFeed(db, hints))

  const address = { url: config.TAKT_URL ?? '' }
  const publicUrl = () => address.url
  const demo = { clone: null as string | null }
  const standing = {
    version: await ownVersion(),
    demo: () => (demo.clone === null ? null : { clone: demo.clone }),
  }
  const store = openStore(config)
  const metrics = new Metrics()
  countRuns(metrics, db)
  tellMaintenance(metrics, db)
  const rewrapping = stack.use(startRewrapping(db, keys.ring))
  const statusForges = forgesOf(config)
  const app = createApp({
    db,
    dataDir,
    store,
    book,
    publicUrl,
    secretKeys: () => keys.ring.keys.map(({ text }) => text),
    keys: keys.ring,
    stores,
    rotating: { keys: keys.ring, source: keys.source, rewrap: () => rewrapping.poke() },
    githubSecret: config.GITHUB_WEBHOOK_SECRET,
    gitlabSecret: config.GITLAB_WEBHOOK_SECRET,
    giteaSecret: config.GITEA_WEBHOOK_SECRET,
    statusForges,
    proxies: config.TAKT_PROXIES,
    notary: { signer: () => signerOf(keys.ring.newest.text), publicUrl },
    rates: { api: config.TAKT_RATE_API, login: config.TAKT_RATE_LOGIN, hooks: config.TAKT_RATE_HOOKS },
    providers: providersOf(config),
    standing,
    metrics,
    stateBytes: config.TAKT_STATE_MIB * 2 ** 20,
    sendsMail: mailOf(config) !== null,
  })
  const http = createAdaptorServer({ fetch: app.fetch }) as Server
  cutTheSilent(http)
  stack.defer(() => close(http))
  const opening = {
    checkoutOf: checkouts(publicUrl, config.GITHUB_TOKEN),
    keys: keys.ring,
    stores,
    issuer: publicUrl,
  }
  const desk = stack.use(new TerminalDesk({ db, hints }))
  const runners = stack.use(
    runnerSockets({ db, hub, hints, leaseMs, token: keys.runnerToken, opening, guest: desk }),
  )
  const onRights = (changed: () => void) =>
    feed.on((events) => events.some(({ event }) => event.kind === 'access.changed') && changed())
  const { TAKT_PROXIES: proxies } = config
  const terminals = stack.use(terminalSockets({ db, desk, book, publicUrl, proxies, onRights }))
  const live = stack.use(liveSockets({ db, hub, feed, publicUrl }))
  route(http, { '/runner': runners, '/live': live, '/terminal': terminals })
  await open(http, config)
  const local = urlOf(config, http)
  address.url ||= local

  startWork(stack, { db, hints, config, store, outside, book, keys: opening.keys, stores, publicUrl })
  const wakeRunners = runners.look
  startLooking(stack, { db, hints, config, keys: opening.keys, stores, wakeRunners, metrics })
  const tokenOf = forgeTokens(loginsOf(db, keys.ring, stores))
  stack.use(startStatuses({ db, forges: statusForges, tokenOf, publicUrl }, { hints, sweepMs: SWEEP_MS }))
  if (config.TAKT_DEMO === 'on') {
    await ensureDemo(db, dataDir)
    const hosted = await db.selectFrom('projects').select('id').where('name', '=', DEMO).executeTakeFirst()
    if (hosted) demo.clone = `${address.url}/git/${DEMO}.git`
  }
  await catchUpAll(db, dataDir)
  const everyMs = config.TAKT_CATCH_UP_MINUTES * 60_000 || null
  const forges = { dataDir, githubToken: config.GITHUB_TOKEN }
  stack.use(
    await startComparisons(
      { db, forges, pullForges: { known: pullForgesOf(config), tokenOf }, everyMs },
      { hints, sweepMs: SWEEP_MS },
    ),
  )
  await subscribeAll(db)
  // No secret in a log: who may read the data directory makes a login link with the token in it.
  log.info(
    { url: address.url, clone: demo.clone, database: config.DATABASE_URL ? 'given' : 'embedded' },
    'server.ready',
  )

  const stop = () => stack.disposeAsync()
  return { url: address.url, local, stop, [Symbol.asyncDispose]: stop }
}

/** Keys from the settings, else from files of the data directory; and the first admin with a token for this machine. */
async function openKeys(db: Db, config: Config) {
  const source = keySource(config)
  const ring = await Keyring.open(source.read)
  const runnerToken = config.TAKT_RUNNER_TOKEN ?? (await keyFile(config.TAKT_DATA, 'runner-token'))
  const apiToken = await keyFile(config.TAKT_DATA, 'token', () => newSecret('takt_'))
  const admin = await ensureAdmin(db)
  // One for each data directory: several servers on one database each keep their own.
  const here = `data directory ${hostname()}:${config.TAKT_DATA}`
  await ensureToken(db, { user: admin, name: here, secret: apiToken })
  await ensureToken(db, { user: admin, name: 'TAKT_ADMIN_TOKEN', secret: config.TAKT_ADMIN_TOKEN ?? null })
  return { ring, source, runnerToken }
}

type Working = {
  db: Db
  hints: Hints
  config: Config
  store: Store
  outside: Outgoing
  book: Book
  keys: Keyring
  stores: Stores
  readonly publicUrl: () => string
}

/** The loops that move the line: deliveries become versions, versions runs, and silence is noticed. */
function startWork(stack: AsyncDisposableStack, working: Working): void {
  const { db, hints, config, store, outside, book, keys, stores, publicUrl } = working
  const forges = { dataDir: config.TAKT_DATA, githubToken: config.GITHUB_TOKEN }
  const loop = { hints, sweepMs: SWEEP_MS }
  stack.use(startDeliveries({ db, book, publicUrl, forges, loginOf: loginsOf(db, keys, stores) }, loop))
  stack.use(startWorker('scheduler', (quit) => scheduleSideBySide(db, quit), loop))
  stack.use(startReaper(db, config.TAKT_LEASE_MS))
  stack.use(startSweeper({ db, store }))
  stack.use(startPayloadSweep(db, config.TAKT_DELIVERY_DAYS))
  stack.use(startPauses(db, loop))
  stack.use(startWorker('deletions', () => deleteCondemned(db), loop))
  stack.use(startGates(db, loop))
  stack.use(startTallies(db, loop))
  stack.use(startActs({ db }, loop))
  stack.use(startUpstreams(db, loop))
  stack.use(startCalls({ db, keys, stores, outside, publicUrl }, loop))
  stack.use(startNotices({ db, keys, stores, outside, publicUrl, mail: mailOf(config) }, loop))
}

type Looking = Pick<Working, 'db' | 'hints' | 'config' | 'keys' | 'stores'> & {
  wakeRunners: () => void
  metrics: Metrics
}

/** The loop that looks for versions outside. */
function startLooking(stack: AsyncDisposableStack, { hints, config, ...looking }: Looking): void {
  const { db, keys, stores, wakeRunners } = looking
  const forges = { dataDir: config.TAKT_DATA, githubToken: config.GITHUB_TOKEN }
  const deliver = async (tx: Tx, moved: Moved) => void (await storeDelivery(tx, deliveryOf(moved)))
  const loginOf = loginsOf(db, keys, stores)
  const loop = { hints, sweepMs: SWEEP_MS }
  const lag = scheduleLag(looking.metrics)
  stack.use(startChecks({ db, forges, deliver, loginOf, wakeRunners, lag }, loop))
  stack.use(startReleasing(db, loop))
  const allowed = readAllowed(config.TAKT_ALLOW_HOSTS ?? '')
  stack.use(startSources({ db, allowed, loginOf }, loop))
  stack.use(startWorker('source-events', () => settleNext(db), loop))
}

async function ownVersion(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
