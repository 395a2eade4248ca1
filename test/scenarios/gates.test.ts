import { beforeAll, describe, expect, test } from 'vitest'
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
})
