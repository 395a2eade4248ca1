import Docker from 'dockerode'
import { expect, test } from 'vitest'
import { doubleImage } from '../engines/double-image.ts'
import { ensureTestImage, TEST_IMAGE, whyNoDocker } from '../engines/test-image.ts'
import { hostedProject } from '../support/repository.ts'
import { startRunner } from '../support/runner.ts'
import { startHouse } from '../support/server.ts'
import { until } from '../support/until.ts'

const reason = await whyNoDocker()
const PATIENT = { withinMs: 90_000, everyMs: 100 }

test.skipIf(reason)(
  `an image is asked when it is due, by a runner, and what it tells is fetched by it and starts a run${reason ? ` (skipped: ${reason})` : ''}`,
  { timeout: 240_000 },
  async () => {
    await ensureTestImage()
    await using double = await doubleImage(new Docker())
    await using house = await startHouse()
    await using clone = await hostedProject(house, 'shop')
    await using runner = await startRunner(house, { engine: 'docker', name: `checked-${process.pid}` })
    await house.ask('PUT /api/v1/projects/shop/secrets/KEY', { value: 'nobody-reads-this' })
    await clone.push({
      '.takt.yml': `resource_types: { odd: { image: "${double.name}" } }
resources: { odd: { type: odd, source: { uri: x, key: "$(secret.KEY)" }, check: 10s } }
jobs: { take: { get: odd, image: "${TEST_IMAGE}", run: 'cat "$ODD_DIR/file" "$ODD_DIR/stdin"' } }
`,
    })
    const ended = (count: number) =>
      until(async () => {
        const { items } = (await house.ask('GET /api/v1/runs?job=take')).body
        const over = items.filter((run: { ended_at: string | null }) => run.ended_at !== null)
        return over.length >= count && over
      }, PATIENT)
    const [first] = await ended(1)
    const log = (await house.ask(`GET /api/v1/runs/${first.id}/log`)).text
    expect(first.state, log).toBe('succeeded')
    expect(log).toContain('content')
    expect(log).toContain('"key":"***"')
    // Nobody asks for the next look: it is due by itself.
    const [second] = await ended(2)
    expect(second.inputs[0].version).not.toBe(first.inputs[0].version)
    const { check } = (await house.ask('GET /api/v1/projects/shop/pipelines/main/resources/odd')).body
    expect(check).toMatchObject({ error: null, every_ms: 10_000 })
    await runner.kill('SIGTERM') // it takes its containers along
  },
)
