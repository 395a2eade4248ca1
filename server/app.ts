import type { Db } from './db/connect.ts'
import type { Notary } from './attestations/attest.ts'
import { attestationKeys, attestationRoutes } from './attestations/routes.ts'
import { audit } from './audit/middleware.ts'
import type { Book } from './audit/book.ts'
import { auditRoutes } from './audit/routes.ts'
import { allow } from './access/allow.ts'
import { authenticate } from './access/authenticate.ts'
import { callbackRoutes, loginRoutes } from './access/login-routes.ts'
import type { Provider } from './access/provider.ts'
import { accessRoutes } from './access/routes.ts'
import { invitationRoutes } from './access/invitation-routes.ts'
import { serviceAccountRoutes } from './access/program-account-routes.ts'
import { sessionRoutes } from './access/session-routes.ts'
import { tokenRoutes } from './access/token-routes.ts'
import { userRoutes } from './access/user-routes.ts'
import { maintenanceOf } from './catalog/maintenance.ts'
import { catalogRoutes } from './catalog/routes.ts'
import { callbackUrlRoute } from './acts/callback-url-route.ts'
import { callbackHookRoutes } from './acts/callback-routes.ts'
import { serviceRoutes } from './acts/services-routes.ts'
import { resourceHookRoutes } from './checks/hook-routes.ts'
import { resourcePauseRoutes } from './checks/pause-routes.ts'
import { checkRoutes } from './checks/routes.ts'
import { cursor } from './events/follow.ts'
import { artifactRoutes } from './files/artifact-routes.ts'
import { runnerFileRoutes } from './files/runner-routes.ts'
import type { Store } from './files/store.ts'
import { catchUpRoutes } from './hosting/catch-up-routes.ts'
import { hostingRoutes } from './hosting/routes.ts'
import { editorRoutes } from './editor/routes.ts'
import { gateRoutes } from './gates/routes.ts'
import { sender } from './http/address.ts'
import { Buckets } from './http/buckets.ts'
import { describeApi } from './http/describe.ts'
import { dashboard } from './http/files.ts'
import { atMost, bodyWithin, headers, sameOrigin, shownElsewhere } from './http/guard.ts'
import { answerError, routes } from './http/kit.ts'
import { legibleAddress, legibleBody } from './http/legible.ts'
import { byAddress, byAsker, limited } from './http/rate.ts'
import { badgeRoutes } from './lines/badge-routes.ts'
import { cctrayRoute } from './lines/cctray-route.ts'
import { decreeRoutes } from './lines/decree-routes.ts'
import { removedRoutes } from './lines/removed-routes.ts'
import { lineRoutes } from './lines/routes.ts'
import { secretOfJobRoutes } from './lines/secret-routes.ts'
import { tellRoutes } from './lines/tell-routes.ts'
import { chainRoute } from './lines/chain-route.ts'
import { versionRoutes } from './lines/version-routes.ts'
import { logRoutes } from './logs/routes.ts'
import { log } from './log.ts'
import { noticeRoutes } from './notices/routes.ts'
import { policyRoutes } from './policies/routes.ts'
import { Problem } from './problem.ts'
import { memberRoutes } from './organizations/member-routes.ts'
import { organizationRoutes } from './organizations/routes.ts'
import { settingsRoute } from './organizations/settings-route.ts'
import { teamRoutes } from './organizations/team-routes.ts'
import type { Metrics } from './http/metrics.ts'
import { metricsRoute } from './runners/metrics-route.ts'
import type { Keyring } from './secrets/keyring.ts'
import { organizationSecretRoutes } from './secrets/organization-routes.ts'
import { discoveryRoutes } from './secrets/discovery-routes.ts'
import { keyRoutes, type Rotating } from './secrets/key-routes.ts'
import { secretRoutes } from './secrets/routes.ts'
import type { Stores } from './secrets/stores/stores.ts'
import { reportRoutes } from './reports/routes.ts'
import { runnerReportRoutes } from './reports/runner-routes.ts'
import { runRoutes } from './runs/routes.ts'
import { maintenanceRoutes } from './runners/maintenance-routes.ts'
import { type Standing, serverRoutes } from './runners/routes.ts'
import { againRoutes } from './scheduler/again-routes.ts'
import { startRoutes } from './scheduler/routes.ts'
import { putRoutes } from './versions/put-routes.ts'
import { valueRoutes } from './values/routes.ts'
import { scheduleRoutes } from './schedules/routes.ts'
import { stateEditRoutes } from './states/edit-routes.ts'
import { stateRoutes } from './states/routes.ts'
import { sourceRoutes } from './sources/routes.ts'
import { metricsRoutes } from './tallies/routes.ts'
import type { KnownForge } from './statuses/forges.ts'
import { statusRoutes } from './statuses/routes.ts'
import { terminalRoutes } from './terminals/routes.ts'
import { pullRoutes } from './pulls/routes.ts'
import { deliveryRoutes } from './webhooks/deliveries.ts'
import { hookRoutes } from './webhooks/routes.ts'
import { hookViewRoutes } from './webhooks/view-routes.ts'
import { onRecordWhenDenied } from './webhooks/refusals.ts'

export type AppDeps = {
  readonly db: Db
  readonly dataDir: string
  readonly store: Store
  readonly book: Book
  /** The address that people open; known when the server listens. */
  readonly publicUrl: () => string
  /** What the secrets of hooks are derived from: the newest key first, and the one before it for a while. */
  readonly secretKeys: () => readonly string[]
  readonly keys: Keyring
  readonly stores: Stores
  readonly rotating: Rotating
  readonly githubSecret: string | undefined
  readonly gitlabSecret: string | undefined
  readonly giteaSecret: string | undefined
  /** The forges that are told how commits stand. */
  readonly statusForges: readonly KnownForge[]
  /** How many proxies stand before this server. */
  readonly proxies: number
  /** Where else people may show who they are. */
  readonly providers: readonly Provider[]
  readonly standing: Standing
  readonly rates: Rates
  readonly notary: Notary
  readonly metrics: Metrics
  /** How much the lines of a project may remember. */
  readonly stateBytes: number
  /** Whether the server was told where it sends mail. */
  readonly sendsMail: boolean
}

/** Requests a minute; 0 sets no limit. */
export type Rates = { readonly api: number; readonly login: number; readonly hooks: number }
/** Several people share an address. */
const ASKERS_OF_ADDRESS = 3

const MOST_BODY_BYTES = 2 * 1024 * 1024

/** `/api/v1`, in one chain, because the dashboard's client type is read off it. */
const api = (deps: AppDeps) =>
  routes()
    .route('/', accessRoutes(deps))
    .route('/', sessionRoutes(deps))
    .route('/', tokenRoutes(deps))
    .route('/', userRoutes(deps))
    .route('/', invitationRoutes(deps))
    .route('/', loginRoutes(deps))
    .route('/', serviceAccountRoutes(deps))
    .route('/', auditRoutes(deps))
    .route('/', serverRoutes(deps))
    .route('/', maintenanceRoutes(deps))
    .route('/', catalogRoutes(deps))
    .route('/', organizationRoutes(deps))
    .route('/', memberRoutes(deps))
    .route('/', teamRoutes(deps))
    .route('/', settingsRoute(deps))
    .route('/', policyRoutes(deps))
    .route('/', secretRoutes(deps))
    .route('/', keyRoutes(deps))
    .route('/', valueRoutes(deps))
    .route('/', organizationSecretRoutes(deps))
    .route('/', secretOfJobRoutes(deps))
    .route('/', lineRoutes(deps))
    .route('/', removedRoutes(deps))
    .route('/', badgeRoutes(deps))
    .route('/', editorRoutes(deps))
    .route('/', versionRoutes(deps))
    .route('/', chainRoute(deps))
    .route('/', attestationRoutes(deps))
    .route('/', decreeRoutes(deps))
    .route('/', checkRoutes(deps))
    .route('/', resourcePauseRoutes(deps))
    .route('/', scheduleRoutes(deps))
    .route('/', sourceRoutes(deps))
    .route('/', tellRoutes(deps))
    .route('/', stateRoutes(deps))
    .route('/', stateEditRoutes(deps))
    .route('/', runRoutes(deps))
    .route('/', logRoutes(deps))
    .route('/', reportRoutes(deps))
    .route('/', metricsRoutes(deps))
    .route('/', artifactRoutes(deps))
    .route('/', startRoutes(deps))
    .route('/', againRoutes(deps))
    .route('/', terminalRoutes(deps))
    .route('/', gateRoutes({ ...deps, forges: deps.statusForges }))
    .route('/', pullRoutes(deps))
    .route('/', statusRoutes({ db: deps.db, forges: deps.statusForges }))
    .route('/', callbackUrlRoute(deps))
    .route('/', serviceRoutes(deps))
    .route('/', deliveryRoutes(deps))
    .route('/', hookViewRoutes(deps))
    .route('/', catchUpRoutes(deps))
    .route('/', noticeRoutes(deps))

const limitsOf = ({ api, login, hooks }: Rates) => ({
  address: limited({
    ...{ buckets: new Buckets(api * ASKERS_OF_ADDRESS), keyOf: byAddress },
    words: 'from one address (TAKT_RATE_API)',
  }),
  asker: limited({
    ...{ buckets: new Buckets(api), keyOf: byAsker },
    words: 'by one token or session (TAKT_RATE_API)',
  }),
  login: limited({
    ...{ buckets: new Buckets(login), keyOf: byAddress },
    words: 'to sign in from one address (TAKT_RATE_LOGIN)',
  }),
  hooks: limited({
    ...{ buckets: new Buckets(hooks), keyOf: byAddress },
    words: 'from one address (TAKT_RATE_HOOKS)',
  }),
})

/** Everything that answers over HTTP. */
export function createApp(deps: AppDeps) {
  const app = routes()
  app.onError(answerError)
  app.use('/api/v1/projects/:project/pipelines/:pipeline/badge.svg', shownElsewhere())
  app.use(headers(), sender(deps.proxies), legibleAddress())
  app.get('/healthz', (c) => c.text('ok\n'))
  app.get('/readyz', async (c) => {
    try {
      const stopped = await maintenanceOf(deps.db)
      // Still ready: what is sent here is kept. Why it stands still is for who is signed in.
      return c.text(stopped ? `ready, in maintenance since ${stopped.since.toISOString()}\n` : 'ready\n')
    } catch (error) {
      log.warn({ err: error }, 'database.away')
      throw new Problem('unavailable', 'the database does not answer')
    }
  })
  app.route('/metrics', metricsRoute(deps))
  app.route('/login', callbackRoutes(deps))
  app.get('/.well-known/takt-attestations.json', async (c) => c.json(await attestationKeys(deps.db)))
  const limits = limitsOf(deps.rates)
  app.use('/git/*', limits.address)
  app.route('/git', hostingRoutes(deps))
  app.route('/.well-known', discoveryRoutes(deps))
  app.use('/hooks/*', limits.hooks, onRecordWhenDenied(deps.book), bodyWithin())
  app.route('/hooks', hookRoutes(deps))
  app.route('/hooks', resourceHookRoutes(deps))
  app.route('/hooks', callbackHookRoutes(deps))
  app.route('/runner', putRoutes(deps))
  app.route('/runner', runnerFileRoutes(deps))
  app.route('/runner', runnerReportRoutes(deps.db))
  app.use('/cctray.xml', limits.address)
  app.route('/cctray.xml', cctrayRoute(deps))
  app.use('/api/*', limits.address)
  app.on('POST', '/api/v1/session', limits.login)
  app.use('/api/v1/*', audit(deps.book))
  app.use(
    '/api/*',
    bodyWithin(),
    sameOrigin(deps.publicUrl),
    atMost(MOST_BODY_BYTES),
    authenticate(deps),
    limits.asker,
    legibleBody(),
  )
  app.use('/api/v1/*', allow(deps.db))
  app.use('/api/v1/*', async (c, next) => {
    // The cursor is read before the snapshot: events in between are told twice, never not at all.
    if (c.req.method === 'GET') c.header('takt-cursor', String(await cursor(deps.db)))
    c.header('cache-control', 'no-store')
    await next()
  })
  const served = app.route('/api/v1', api(deps))
  describeApi(served)
  served.all('/api/*', (c) => {
    throw new Problem(
      'not-found',
      `${c.req.method} ${c.req.path} is not part of the API; /api/docs lists what is`,
    )
  })
  served.use(dashboard())
  served.notFound(() =>
    new Problem('not-found', 'look at / for the dashboard, at /api/docs for the API').toResponse(),
  )
  return served
}
export type Api = ReturnType<typeof createApp>
