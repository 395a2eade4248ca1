import { ok, type Route } from './fake-reply.ts'

const HASH = 'b4e0'.repeat(16)

const entry = (id: number, more: object) => ({
  ...{ id, at: new Date(Date.UTC(2026, 10, 21, 12, id)).toISOString(), actor_id: 1, actor: 'ada' },
  ...{ actor_kind: 'person', via: 'session', token: null, address: '192.0.2.7', action: 'run.cancel' },
  ...{ organization_id: 1, organization: 'default', project: 'shop', target: '/runs/12/cancel' },
  ...{ outcome: 'done', reason: null, before: null, after: null, count: 1, previous: HASH, hash: HASH },
  ...more,
})

const ENTRIES = [
  entry(4, {
    ...{ actor: 'nobody', actor_kind: 'nobody', via: 'none', action: 'session.start', outcome: 'denied' },
    ...{ target: '/session as ada', reason: 'bad-login: look for a slip of the pen', count: 41 },
  }),
  entry(3, {
    ...{ action: 'project.change', target: '/projects/shop/settings', via: 'cli', token: 'laptop' },
    ...{ before: { public: false }, after: { public: true } },
  }),
  entry(2, { outcome: 'refused', reason: 'illegal-move: run 12 has succeeded already' }),
  entry(1, {}),
]

/** The audit log, narrowed by outcome and actor; a page has three entries. */
export const AUDIT: readonly Route[] = [
  [
    'GET',
    /^\/audit$/,
    ({ url: { searchParams: query } }) => {
      const after = Number(query.get('after') ?? Number.POSITIVE_INFINITY)
      const found = ENTRIES.filter(
        (each) =>
          each.id < after &&
          (query.get('outcome') ?? each.outcome) === each.outcome &&
          (query.get('actor') ?? each.actor) === each.actor,
      )
      return ok({ items: found.slice(0, 3), next: found.length > 3 ? (found[2]?.id ?? null) : null })
    },
  ],
]
