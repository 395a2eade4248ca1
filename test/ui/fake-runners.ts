import type { Runner } from '../../ui/lib/api.ts'
import { no, ok, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

const AT = '2026-03-01T12:00:00.000Z'
const MODES = { pause: 'paused', drain: 'draining', resume: 'active', reset: 'active' } as const

/** A runner as it stands when nothing is wrong with it, but for what is given. */
export const runnerOf = (given: Partial<Runner>): Runner => ({
  ...{ id: 1, name: 'bench-1', state: 'idle', engine: 'docker', isolated: true },
  words: 'Docker 28.1, cgroups v2',
  version: '0.1.0',
  labels: { os: 'linux', arch: 'amd64', engine: 'docker' },
  ...{ slots: 2, slots_least: 2, slots_most: 2, busy: 0, connected: true },
  ...{ mode: 'active', mode_reason: null, mode_by: null, mode_at: null, trouble: null, trouble_at: null },
  runs: [],
  seen_at: AT,
  ...given,
})

/** A runner in each of the states that people meet. */
export const MANY_RUNNERS: readonly Runner[] = [
  runnerOf({
    state: 'busy',
    slots: 3,
    slots_most: 8,
    busy: 2,
    labels: { os: 'linux', arch: 'arm64', engine: 'docker', gpu: '' },
    runs: [
      {
        id: 7,
        project: 'shop',
        pipeline: 'main',
        job: 'integration',
        lane: 'main',
        number: 12,
        attempt: 1,
        started_at: AT,
      },
      {
        id: 8,
        project: 'shop',
        pipeline: 'nightly',
        job: 'a-job-with-quite-a-long-name-that-must-fit',
        lane: 'release/2026-11',
        number: 3,
        attempt: 2,
        started_at: AT,
      },
    ],
  }),
  runnerOf({
    ...{ id: 2, name: 'bench-2', state: 'degraded', trouble_at: AT },
    trouble:
      'Docker does not answer: connect ENOENT /var/run/docker.sock It was tried again 3 times; mend it and reset the runner.',
  }),
  runnerOf({
    id: 3,
    name: 'bench-3',
    state: 'paused',
    mode: 'paused',
    mode_by: 'ada',
    mode_at: AT,
    mode_reason: 'new disk',
  }),
  runnerOf({
    id: 4,
    name: 'laptop',
    state: 'away',
    connected: false,
    engine: 'local',
    isolated: false,
    words: 'plain processes',
  }),
]

const named = (world: FakeWorld, name = '') =>
  world.server.runners.find((runner) => runner.name === decodeURIComponent(name))
const unknown = () => no(404, 'runner-not-found', 'There is no such runner')

export const RUNNERS: readonly Route[] = [
  ['GET', /^\/runners$/, ({ world }) => ok({ items: world.server.runners, next: null })],
  [
    'GET',
    /^\/runners\/([^/]+)\/events$/,
    ({ world }, name) =>
      named(world, name)
        ? ok({
            items: [
              {
                id: 2,
                kind: 'scaled',
                words: '3 slots: every slot was busy and a run waited; 5.1 GiB free, processors 34 % busy',
                slots: 3,
                by: null,
                at: AT,
              },
              { id: 1, kind: 'arrived', words: 'connected: Docker 28.1', slots: null, by: null, at: AT },
            ],
            next: null,
          })
        : unknown(),
  ],
  [
    'POST',
    /^\/runners\/([^/]+)\/(pause|resume|drain|reset)$/,
    ({ world, body }, name, act) => {
      const before = named(world, name)
      if (!before) return unknown()
      const mode = MODES[act as keyof typeof MODES]
      const after = runnerOf({
        ...before,
        ...{ mode, state: mode === 'active' ? 'idle' : mode === 'paused' ? 'paused' : 'drained' },
        ...{
          mode_reason: typeof body['reason'] === 'string' ? body['reason'] : null,
          mode_by: 'ada',
          mode_at: AT,
        },
      })
      world.server = {
        ...world.server,
        runners: world.server.runners.map((runner) => (runner.id === after.id ? after : runner)),
      }
      return ok(after)
    },
  ],
]
