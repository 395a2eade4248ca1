import Docker from 'dockerode'
import { beforeAll, describe, expect, test } from 'vitest'
import { LABEL } from '../../runner/docker/labels.ts'
import { ensureTestImage, TEST_IMAGE, whyNoDocker } from '../engines/test-image.ts'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const reason = await whyNoDocker()

const LIST = `find . -path ./.git -prune -o -type f -print | sort | while read -r f; do echo "$f $(stat -c '%a %Y %s' "$f") $(md5sum < "$f")"; done`
const FILE = `resources: { src: { git: . } }
defaults: { image: "${TEST_IMAGE}" }
jobs:
  ship:
    get: src
    steps:
      - name: build
        run:
          - mkdir -p obj bin; echo src > main.c; touch -d '2001-02-03 04:05:06' main.c; cp main.c obj/main.o; chmod 751 obj/main.o
          - ln -s ../obj/main.o bin/app; ln -s /usr/bin/env far; head -c 3000000 /dev/urandom > big
          - ${JSON.stringify(`${LIST} > "$TAKT_STATE/before"`)}
      - approve: true
      - name: deploy
        run:
          - ${JSON.stringify(`${LIST} > /tmp/after; cmp "$TAKT_STATE/before" /tmp/after; wc -l < /tmp/after; echo same`)}
          - 'if [ obj/main.o -nt main.c ]; then echo "nothing to make"; fi; readlink far; [ -x bin/app ]; hostname > where'
          - git status --short --untracked-files=no 2>/dev/null || ls .git/HEAD
    always: cat where
`

const SERVED = `defaults: { image: "${TEST_IMAGE}" }
jobs:
  ship:
    services:
      db:
        image: "${TEST_IMAGE}"
        run: sleep 1; echo up; while :; do echo here | nc -l -p 7000; done
        health: { tcp: 7000 }
    steps:
      - { name: before, run: nc -w 5 db 7000 </dev/null }
      - approve: true
      - { name: behind, run: nc -w 5 db 7000 </dev/null }
`

/** What a runner has at the engine: containers, networks and volumes. */
async function madeBy(name: string): Promise<string[]> {
  const docker = new Docker()
  const filters = { label: [LABEL.runner] }
  const [containers, networks, { Volumes }] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ])
  return [...containers, ...networks, ...Volumes]
    .map(({ Labels }) => Labels?.[LABEL.runner] ?? '')
    .filter((runner) => runner.startsWith(`${name}.`))
}

describe.skipIf(reason)(`a gate between containers${reason ? ` (skipped: ${reason})` : ''}`, () => {
  beforeAll(ensureTestImage)

  test('the run goes on with another runner, in another container, with the very same files', async () => {
    await using house = await startHouse()
    await using clone = await hostedProject(house, 'shop')
    const run = async () => (await house.ask('GET /api/v1/runs/1')).body
    const is = (state: string) =>
      until(async () => (await run()).state === state, { withinMs: 120_000, everyMs: 100 })
    {
      await using _first = await startRunner(house, { engine: 'docker', name: 'first', slots: 1 })
      await clone.push({ '.takt.yml': FILE })
      await is('waiting')
    }
    await using _second = await startRunner(house, { engine: 'docker', name: 'second', slots: 1 })
    expect((await house.ask('POST /api/v1/gates/1/approve', {})).body.state).toBe('approved')
    await is('succeeded')
    expect(await run()).toMatchObject({ runner: 'second', attempt: 1 })
    const log = (await house.ask('GET /api/v1/runs/1/log')).text
    for (const words of ['same\n', 'nothing to make\n/usr/bin/env\n']) expect(log).toContain(words)
  }, 300_000)

  test('services hold nothing while the run waits, and are ready again before the first step behind the gate', async () => {
    await using house = await startHouse()
    await using clone = await hostedProject(house, 'shop')
    const run = async () => (await house.ask('GET /api/v1/runs/1')).body
    const is = (state: string) =>
      until(async () => (await run()).state === state, { withinMs: 120_000, everyMs: 100 })
    const name = `gate-${process.pid}`
    await using _runner = await startRunner(house, { engine: 'docker', name, slots: 1 })
    await clone.push({ '.takt.yml': SERVED })
    await is('waiting')
    await until(async () => (await madeBy(name)).length === 0, { withinMs: 60_000, everyMs: 100 })
    await house.ask('POST /api/v1/gates/1/approve', {})
    await is('succeeded')
    const { steps } = await run()
    const drawn = steps.map(({ name, kind, state }: Record<string, string>) => [kind, name, state].join(' '))
    expect(drawn.filter((words: string) => /^(run|service)/.test(words))).toEqual([
      'run before succeeded',
      'service db succeeded',
      'run behind succeeded',
      'service db succeeded',
    ])
    const log: string = (await house.ask('GET /api/v1/runs/1/log')).text
    expect(log.match(/^here$/gm)?.length).toBeGreaterThanOrEqual(2)
    expect(log.match(/^up$/gm)).toHaveLength(2)
    await until(async () => (await madeBy(name)).length === 0, { withinMs: 60_000, everyMs: 100 })
  }, 300_000)
})
