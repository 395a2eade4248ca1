import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { leased } from '../support/leased.ts'
import { steeredLine } from '../support/steer.ts'
import { scratch, takt } from './run-takt.ts'

const LINE = `resources: { src: { git: . }, image: { registry: "127.0.0.1:5000/shop" } }
jobs: { build: { get: src, when: push, put: { image: { build: . } } } }
`
const HEX = 'a1'.repeat(32)
const DIGEST = `sha256:${HEX}`

test('provenance is verified with the server, and offline from files; what was changed or is another’s is red', async () => {
  await using it = await steeredLine(LINE)
  await using at = await scratch()
  await it.push()
  const images = [
    { image: 'node:22', id: `sha256:${'c3'.repeat(32)}`, digests: [`node@${DIGEST}`] },
    { image: 'tools:local', id: `sha256:${'e5'.repeat(32)}`, digests: [] },
  ]
  await (
    await leased(it, { images })
  ).put('image', {
    ...{ kind: 'image', digest: DIGEST, tags: [] },
    built: {
      by: 'Docker 20.10.24',
      from: [
        { as: 'base', image: 'docker.io/library/node:22', digest: DIGEST },
        { as: 'base', image: 'tools:local', digest: null },
        { as: 'frontend', image: 'docker.io/docker/dockerfile:1', digest: DIGEST },
      ],
    },
  })
  const env = { TAKT_URL: it.house.url, TAKT_TOKEN: it.house.token }
  const asked = await takt(['attest', 'verify', 'shop/main/image', '--of', DIGEST], { env })
  expect(asked).toMatchObject({ code: 0, out: expect.stringContaining(`shop/main/image@${DIGEST}`) })
  expect(asked.out).toContain(`ran node:22: node@${DIGEST}\n`)
  expect(asked.out).toContain(`ran tools:local: image sha256:${'e5'.repeat(32)}, of no registry\n`)
  expect(asked.out).toContain(`built from docker.io/library/node:22: ${DIGEST}\n`)
  expect(asked.out).toContain('built from tools:local: the builder told no digest\n')
  expect(asked.out).toContain(`read by docker.io/docker/dockerfile:1: ${DIGEST}\n`)

  const path = `GET /api/v1/projects/shop/pipelines/main/resources/image/versions/${DIGEST}/attestation`
  const { body } = await it.house.ask(path)
  const keys = (await it.house.ask('GET /.well-known/takt-attestations.json')).text
  const file = (name: string) => join(at.path, name)
  const [{ envelope }] = body.items
  await writeFile(file('image.json'), JSON.stringify(body))
  await writeFile(file('keys.json'), keys)
  await writeFile(file('none.json'), '{"keys":[]}')
  const payload = Buffer.from(envelope.payload, 'base64').toString().replaceAll(HEX, 'b2'.repeat(32))
  await writeFile(
    file('forged.json'),
    JSON.stringify({ ...envelope, payload: Buffer.from(payload).toString('base64') }),
  )
  const offline = (name: string, ...more: string[]) =>
    takt(['attest', 'verify', file(name), '--key', file('keys.json'), ...more])
  expect(await offline('image.json', '--digest', DIGEST)).toMatchObject({ code: 0 })
  expect(await offline('image.json', '--digest', 'b2'.repeat(32))).toMatchObject({ code: 1 })
  expect(await offline('forged.json')).toMatchObject({
    code: 1,
    err: expect.stringContaining('none of 1 keys'),
  })
  expect((await takt(['attest', 'verify', file('image.json'), '--key', file('none.json')])).code).toBe(1)
  expect((await offline('keys.json')).code).toBe(2)
})
