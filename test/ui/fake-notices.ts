import type { Notice, NoticeRule } from '../../ui/lib/notices-api.ts'
import { type Asked, no, ok, type Reply, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

const AT = '2026-03-01T12:00:00.000Z'
const RULES: readonly NoticeRule[] = [
  {
    ...{ pipeline: 'main', index: 0, channel: 'slack', to: ['#shop'], when: ['failure', 'fixed'] },
    ...{ jobs: [], lanes: [], login: 'SLACK_WEBHOOK', lacks: null },
  },
  {
    ...{ pipeline: 'main', index: 1, channel: 'email', to: ['ops@acme.example', 'a@b.example'] },
    ...{ when: ['approval'], jobs: ['production'], lanes: ['release/*'], login: null },
    lacks: 'the server sends no mail: who runs it sets TAKT_SMTP_URL and TAKT_MAIL_FROM',
  },
]
const message = (id: number, given: Partial<Notice>): Notice => ({
  ...{ id, pipeline: 'main', channel: 'slack', destination: '#shop', state: 'sent', test: false, count: 1 },
  items: [{ kind: 'failure', text: 'shop/main/test #7 failed on main', url: '/runs/7', at: AT }],
  ...{ error: null, due_at: null, created_at: AT, ended_at: AT },
  attempts: [{ number: 1, status: 200, words: 'answered with 200', took_ms: 42, at: AT }],
  ...given,
})

const worlds = new WeakMap<FakeWorld, Notice[]>()
export function noticesIn(world: FakeWorld): Notice[] {
  const away = { number: 1, status: 503, words: 'answered with 503: upstream is away', took_ms: 9, at: AT }
  const known = worlds.get(world) ?? [
    message(3, { state: 'waiting', error: away.words, attempts: [away], due_at: AT, count: 22 }),
    message(2, {
      ...{ channel: 'email', destination: 'ops@acme.example', state: 'dead' },
      error: 'the mail server: no such mailbox',
    }),
    message(1, {}),
  ]
  worlds.set(world, known)
  return known
}

function list({ world, url }: Asked, project = ''): Reply {
  const state = url.searchParams.get('state')
  const all = project === 'shop' ? noticesIn(world) : []
  return ok({ items: all.filter((each) => state === null || each.state === state), next: null })
}

function retry({ world }: Asked, _project = '', id = ''): Reply {
  const all = noticesIn(world)
  const found = all.find((each) => each.id === Number(id))
  if (!found) return no(404, 'notice-not-found', 'There is no such notice')
  const sent: Notice = { ...found, state: 'sent', error: null, due_at: null, ended_at: AT }
  all.splice(all.indexOf(found), 1, sent)
  return ok(sent)
}

function tryOut({ world }: Asked, _project = '', _pipeline = '', index = ''): Reply {
  const rule = RULES[Number(index)]
  const all = noticesIn(world)
  const sent = message(all.length + 1, {
    ...{ test: true, items: [], count: 1, channel: rule?.channel ?? 'slack' },
    destination: rule?.to[0] ?? '',
  })
  all.unshift(sent)
  return { status: 202, body: { items: [sent], next: null } }
}

export const NOTICES: readonly Route[] = [
  ['GET', /^\/projects\/([^/]+)\/notices$/, list],
  ['POST', /^\/projects\/([^/]+)\/notices\/(\d+)\/retry$/, retry],
  [
    'GET',
    /^\/projects\/([^/]+)\/pipelines\/([^/]+)\/notify$/,
    (_, project, pipeline) =>
      ok({ items: project === 'shop' && pipeline === 'main' ? RULES : [], next: null }),
  ],
  ['POST', /^\/projects\/([^/]+)\/pipelines\/([^/]+)\/notify\/(\d+)\/test$/, tryOut],
  [
    'GET',
    /^\/projects\/([^/]+)$/,
    ({ world }, name) => {
      const project = world.projects.find((one) => one.name === name)
      return project ? ok(project) : no(404, 'project-not-found', 'There is no such project')
    },
  ],
]
