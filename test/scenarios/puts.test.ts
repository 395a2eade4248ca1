import Docker from 'dockerode'
import { beforeAll, describe, expect, test } from 'vitest'
import { doubleImage } from '../engines/double-image.ts'
import { serveRegistry, whyNoRegistry } from '../engines/registry.ts'
import { ensureTestImage, TEST_IMAGE, whyNoDocker } from '../engines/test-image.ts'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { type House, startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const reason = (await whyNoDocker()) ?? (await whyNoRegistry())

const fileOf = (registry: string, odd: string) => `resources:
  src: { git: . }
  image: { registry: ${registry}/acme/shop }
  bundle: { files: {} }
  notes: { state: {} }
  release: { semver: { initial: 1.0.0 } }
  odd: { type: double, source: { uri: here } }
triggers: { push: [main] }
resource_types:
  double: { image: "${odd}" }
defaults: { image: "${TEST_IMAGE}" }
jobs:
  build:
    get: src
    steps:
      - run: [mkdir dist, "echo made > dist/app", "echo note > note"]
      - put: { image: { build: ., tags: [$(src.short_sha), latest] } }
      - put: { bundle: { paths: [dist] } }
      - put: { notes: { paths: [note], set: { COLOUR: blue } } }
      - put: { release: { bump: minor } }
      - put: { odd: { file: dist/app } }
      - run: ['echo "here $IMAGE_REF and $RELEASE_VERSION and $ODD_REF"', 'cat "../inputs/odd/cwd"']
  use:
    get: [image, bundle, notes, release, odd]
    needs: build
    run:
      - 'echo "use $IMAGE_DIGEST with $IMAGE_TAG and $RELEASE_VERSION in $NOTES_COLOUR"'
      - 'cat ../inputs/bundle/dist/app ../inputs/notes/note; ls ../inputs/odd'
`

type Run = { id: number; job: string; state: string; outputs: unknown }

async function ended(house: House, job: string): Promise<{ run: Run; log: string }> {
  const found = await until(
    async () => {
      const { items } = (await house.ask('GET /api/v1/runs')).body
      const found = items.find((run: Run & { ended_at: string | null }) => run.job === job && run.ended_at)
      if (!found) throw new Error(JSON.stringify(items.map(({ job, state }: Run) => `${job} ${state}`)))
      return found
    },
    { withinMs: 60_000 },
  )
  const run = (await house.ask(`GET /api/v1/runs/${found.id}`)).body
  return { run, log: (await house.ask(`GET /api/v1/runs/${found.id}/log`)).text }
}

describe.skipIf(reason)(`puts, whole${reason ? ` (skipped: ${reason})` : ''}`, () => {
  beforeAll(ensureTestImage)

  test('what one job puts goes on to the next, exactly that version: an image, files, state, a number, a stranger’s type', async () => {
    await using registry = await serveRegistry({ closed: false })
    await using double = await doubleImage(new Docker())
    await using house = await startHouse()
    await using clone = await hostedProject(house, 'shop')
    await using _runner = await startRunner(house, { engine: 'docker' })
    const dockerfile = `FROM ${TEST_IMAGE}\nCOPY dist /dist\n`
    await clone.push({ '.takt.yml': fileOf(registry.host, double.name), Dockerfile: dockerfile })
    const build = await ended(house, 'build')
    expect(build.run.state, build.log).toBe('succeeded')
    expect(build.log).toContain(`here ${registry.host}/acme/shop@sha256:`)
    const { Digest } = await registry.inspect(`${registry.host}/acme/shop:latest`)
    expect(build.run.outputs).toMatchObject({
      image: Digest,
      release: '1.1.0',
      odd: '{"n":"2","ref":"made"}',
    })
    const use = await ended(house, 'use')
    expect(use.run.state, use.log).toBe('succeeded')
    expect(use.log).toContain(`use ${Digest} with `)
    expect(use.log).toContain('and 1.1.0 in blue\n')
    expect(use.log).toContain('made\nnote\n')
  }, 120_000)
})
