import { expect, test } from 'vitest'
import { hookOf } from '../support/senders.ts'
import { steeredLine } from '../support/steer.ts'
import { until } from '../support/until.ts'

/** What Alertmanager’s documentation says that its webhooks send, `version: "4"`. */
const alertmanager = (status: 'firing' | 'resolved', severity: string) => ({
  ...{ version: '4', groupKey: '{}:{alertname="InstanceDown"}', truncatedAlerts: 0, status },
  receiver: 'takt',
  groupLabels: { alertname: 'InstanceDown' },
  commonLabels: { alertname: 'InstanceDown', job: 'node', severity },
  commonAnnotations: { summary: 'Instance web-1 down' },
  externalURL: 'http://alertmanager.acme.io:9093',
  alerts: [
    {
      status,
      labels: { alertname: 'InstanceDown', instance: 'web-1:9100', job: 'node', severity },
      annotations: { summary: 'Instance web-1 down' },
      startsAt: '2026-11-22T01:00:00.000Z',
      endsAt: status === 'firing' ? '0001-01-01T00:00:00Z' : '2026-11-22T01:10:00.000Z',
      generatorURL: 'http://prometheus.acme.io:9090/graph?g0.expr=up+%3D%3D+0',
      fingerprint: '0c0b1c0a1f6ce7d4',
    },
  ],
})

test('an alert of Prometheus starts the job that asks for its like, with its labels, and no other one does', async () => {
  await using it = await steeredLine(`resources:
  down: { event: { source: alerts, if: { status: firing, commonLabels.severity: [page, critical] } } }
jobs:
  restart: { get: down, run: './restart.sh "$DOWN_COMMONLABELS_ALERTNAME"' }
`)
  await it.push()
  // Alertmanager signs nothing: it sends a token, as `authorization` of its `http_config` says.
  const { body: made } = await it.house.ask('POST /api/v1/tokens', { name: 'alertmanager', role: 'operator' })
  const tell = (body: object) =>
    it.house.ask('POST /api/v1/projects/shop/events/alerts', body, { as: made.secret })
  expect((await tell(alertmanager('firing', 'page'))).body.versions).toEqual([
    { pipeline: 'main', resource: 'down' },
  ])
  expect((await tell(alertmanager('resolved', 'page'))).body.versions).toEqual([])
  expect((await tell(alertmanager('firing', 'info'))).body.versions).toEqual([])
  expect(await it.runs('restart')).toHaveLength(1)
  expect((await it.claim())?.plan).toMatchObject({
    env: { DOWN_STATUS: 'firing', DOWN_COMMONLABELS_ALERTNAME: 'InstanceDown' },
  })
})

test('an alert of Takt’s own starts a job: a signed notice is an event', async () => {
  await using it = await steeredLine('jobs: { none: { run: x } }\n', { TAKT_ALLOW_HOSTS: '127.0.0.1' })
  const hook = await hookOf(it.house, 'events', 'takt')
  await it.house.ask('PUT /api/v1/projects/shop/secrets/OWN_HOOK', { value: hook.secret })
  const file = `resources: { alert: { event: { source: takt, if: { items.0.kind: alert } } } }
jobs: { look: { get: alert, run: x } }
notify: { webhook: { to: "${hook.url}", login: OWN_HOOK, when: alert } }
`
  await it.push({ '.takt.yml': file })
  await it.push({ '.takt.yml': 'jobs: 7\n' })
  await until(async () => (await it.runs('look')).length === 1)
  expect((await it.claim())?.plan.env).toMatchObject({
    ...{ ALERT_ITEMS_0_KIND: 'alert', ALERT_ITEMS_0_PROJECT: 'shop', ALERT_ITEMS_0_PIPELINE: 'main' },
    ALERT_ITEMS_0_REASON: '`jobs` must be a mapping',
  })
})

test('an edit of `params` in the committed file starts the jobs that get them, with the values; one on a branch does not', async () => {
  const file = (
    version: string,
  ) => `resources: { src: { git: . }, release: { params: { VERSION: "${version}" } } }
jobs: { ship: { get: release, run: './ship.sh "$RELEASE_VERSION"' } }
`
  await using it = await steeredLine(file('1.4.0'))
  await it.push()
  await it.end('ship', 'succeed')
  await it.push({ 'README.md': 'a commit that edits none of them' })
  await it.push({ '.takt.yml': file('9.9.9') }, 'idea')
  expect(await it.runs('ship')).toHaveLength(1)
  await it.push({ '.takt.yml': file('1.5.0') })
  expect(await it.runs('ship')).toHaveLength(2)
  expect((await it.claim())?.plan).toMatchObject({ env: { RELEASE_VERSION: '1.5.0' } })
})
