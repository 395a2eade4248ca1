import { expect, test } from 'vitest'
import {
  lineAddress,
  loginAddress,
  ownAddress,
  placeOf,
  testsAddress,
  whereAddress,
} from '../../ui/lib/places.ts'
import { summarise } from '../../ui/lib/line-summary.ts'
import { ago, duration, ticking } from '../../ui/lib/time.ts'
import { addLine, pastRun, SHOP } from './fake-stories.ts'
import { FakeWorld } from './fake-world.ts'

const place = (path: string) => placeOf(new URL(path, 'http://takt'))

test.each([
  ['/', { page: 'home', wanted: { words: '', kind: 'all' } }],
  ['/?q=shop+main&show=broken', { page: 'home', wanted: { words: 'shop main', kind: 'broken' } }],
  ['/?show=odd', { page: 'home', wanted: { words: '', kind: 'all' } }],
  ['/deliveries/', { page: 'deliveries', wanted: { project: '', event: '', source: '', state: '' } }],
  [
    '/deliveries?project=shop&source=git&state=odd',
    { page: 'deliveries', wanted: { project: 'shop', event: '', source: 'git', state: '' } },
  ],
  ['/schedules', { page: 'schedules' }],
  ['/deliveries/7', { page: 'delivery', id: 7 }],
  ['/deliveries/x', { page: 'missing', path: '/deliveries/x' }],
  ['/runs/42', { page: 'run', id: 42, show: 'log' }],
  ['/runs/42?show=tests', { page: 'run', id: 42, show: 'tests' }],
  ['/runs/42?show=secrets', { page: 'run', id: 42, show: 'log' }],
  ['/runs/0', { page: 'missing', path: '/runs/0' }],
  ['/runs/abc', { page: 'missing', path: '/runs/abc' }],
  [
    '/p/shop/main',
    { page: 'line', project: 'shop', pipeline: 'main', lane: null, version: null, open: null },
  ],
  [
    '/p/shop/main?lane=pr%2F12',
    { page: 'line', project: 'shop', pipeline: 'main', lane: 'pr/12', version: null, open: null },
  ],
  ['/where', { page: 'where', version: '' }],
  ['/where?version=a1b2c3', { page: 'where', version: 'a1b2c3' }],
  [
    '/p/shop/main/jobs/unit/tests?sort=odd',
    { page: 'tests', project: 'shop', pipeline: 'main', job: 'unit', sort: 'failing' },
  ],
  ['/p/shop/main/jobs/../tests', { page: 'missing', path: '/p/shop/main/tests' }],
  ['/p/shop/main/jobs/unit', { page: 'missing', path: '/p/shop/main/jobs/unit' }],
  ['/p/%E0%A4%A/main', { page: 'missing', path: '/p/%E0%A4%A/main' }],
  ['/audit', { page: 'audit', wanted: { actor: '', action: '', project: '', outcome: '' } }],
  [
    '/audit?actor=ada&outcome=odd',
    { page: 'audit', wanted: { actor: 'ada', action: '', project: '', outcome: '' } },
  ],
  ['/policies', { page: 'policies', organization: null }],
  ['/policies?organization=a+b', { page: 'policies', organization: 'a b' }],
  ['/settings', { page: 'organizations' }],
  ['/settings/organizations/a%20b', { page: 'organization', name: 'a b' }],
  ['/settings/organizations/', { page: 'missing', path: '/settings/organizations/' }],
  ['/settings/projects/a%2Fb/secrets', { page: 'secrets', owner: { of: 'projects', name: 'a/b' } }],
  ['/settings/organizations/acme/secrets', { page: 'secrets', owner: { of: 'organizations', name: 'acme' } }],
  ['/settings/projects/a%2Fb/hooks', { page: 'hooks', project: 'a/b' }],
  ['/settings/projects/shop', { page: 'missing', path: '/settings/projects/shop' }],
  ['/nowhere', { page: 'missing', path: '/nowhere' }],
])('%s is a place', (path, expected) => {
  expect(place(path)).toEqual(expected)
})

test('a line’s address leads back to the line, whatever its names hold', () => {
  const at = { project: 'a b', pipeline: 'ü%', lane: 'release/1&2', version: 'sha256:a&b' }
  const open = { of: 'job', name: 'e2e & more' } as const
  expect(place(lineAddress(at))).toEqual({ page: 'line', ...at, open: null })
  expect(place(lineAddress(at, open))).toEqual({ page: 'line', ...at, open })
  expect(place(lineAddress({ ...at, lane: null }, { ...open, of: 'resource' }))).toEqual({
    ...{ page: 'line', ...at, lane: null },
    open: { ...open, of: 'resource' },
  })
})

test('the address of a job’s tests leads back to them, whatever its names hold', () => {
  const at = { project: 'a b', pipeline: 'ü%', job: 'e2e/& more' }
  for (const sort of ['failing', 'flaky', 'slowest'] as const)
    expect(place(testsAddress(at, sort))).toEqual({ page: 'tests', ...at, sort })
})

test('the address of a search leads back to what was searched', () => {
  expect(place(whereAddress('v1+2 & more'))).toEqual({ page: 'where', version: 'v1+2 & more' })
})

test.each([
  '/.//evil.example',
  'https://evil.example/',
  '//evil.example',
  '/\\evil.example',
  'javascript:alert(1)',
  '/login?to=/',
  '',
  null,
])('signing in never leads to %s', (wanted) => {
  expect(ownAddress(wanted)).toBe('/')
})

test('signing in leads back to where a person wanted to go', () => {
  const login = new URL(loginAddress('/runs/3#s1-l2'), 'http://takt')
  expect(placeOf(login)).toEqual({ page: 'login', to: '/runs/3#s1-l2' })
})

test.each([
  [43, '43 ms'],
  [1_440, '1.4 s'],
  [12_400, '12 s'],
  [59_700, '1 m 00 s'],
  [185_000, '3 m 05 s'],
  [7_440_000, '2 h 04 m'],
  [266_400_000, '3 d 2 h'],
  [-5, '0 ms'],
])('%d ms are told as %s', (ms, words) => {
  expect(duration(ms)).toBe(words)
})

test('a running clock counts whole seconds and never below zero', () => {
  expect([ticking(-900), ticking(9_900), ticking(69_900)]).toEqual(['0 s', '9 s', '1 m 09 s'])
})

test('how long ago is told by the largest unit', () => {
  const nowMs = Date.parse('2026-03-01T12:00:00Z')
  expect(ago('2026-03-01T11:59:58Z', nowMs)).toBe('just now')
  expect(ago('2026-03-01T11:15:00Z', nowMs)).toBe('45 m ago')
  expect(ago('2026-02-27T12:00:00Z', nowMs)).toBe('2 d ago')
})

test('a job that is red on its newest run keeps the line red, though others run', () => {
  const world = new FakeWorld()
  const shop = addLine(world, SHOP)
  pastRun(world, shop, 'lint', { state: 'failed', minutes: 3, tookS: 4 })
  pastRun(world, shop, 'unit', { state: 'failed', minutes: 9, tookS: 4 })
  pastRun(world, shop, 'unit', { state: 'succeeded', minutes: 2, tookS: 4 })
  const [line] = world.pipelineList().items
  if (!line) throw new Error('no line')
  const summary = summarise(line)
  expect(summary.look).toBe('failed')
  expect(summary.broken.map((run) => run.job)).toEqual(['lint'])
})
