import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { opened, signerOf } from '../../server/attestations/envelope.ts'
import type { Envelope } from '../../server/db/attestation-tables.ts'
import { person } from '../support/people.ts'
import { leased } from '../support/leased.ts'
import { steeredLine } from '../support/steer.ts'

const DIGEST = `sha256:${'a1'.repeat(32)}`
const LINE = `resources: { src: { git: . }, image: { registry: "127.0.0.1:5000/shop" }, release: { semver: { initial: 1.0.0 } } }
jobs:
  build:
    get: src
    when: push
    image: node:22
    put: { image: { build: . }, release: { bump: minor } }
`
const ids = (letters: string) => `sha256:${letters.repeat(32)}`
const RAN = [
  {
    image: 'node:22',
    id: ids('c3'),
    digests: [`mirror.acme.io/node@${ids('dd')}`, `node@${ids('b2')}`],
  },
  { image: 'tools:local', id: ids('e5'), digests: [] },
]
const BUILT = {
  by: 'Docker 20.10.24',
  from: [
    { as: 'base', image: 'docker.io/library/node:22', digest: ids('b2') },
    { as: 'base', image: 'docker.io/library/tools:local', digest: null },
  ],
}
const AT = '/api/v1/projects/shop/pipelines/main/resources'

async function withPut() {
  const it = await steeredLine(LINE)
  await it.push()
  const build = await leased(it, { images: RAN })
  await build.put('image', { kind: 'image', digest: DIGEST, tags: ['v1'], built: BUILT })
  await build.put('release', { kind: 'semver', bump: 'minor', pre: null })
  const sha = await it.clone.git('rev-parse', 'HEAD')
  const { keys } = (await it.house.ask('GET /.well-known/takt-attestations.json', undefined, { as: null }))
    .body
  return {
    ...it,
    build,
    sha,
    keys: keys.map((each: { public_key: string }) => each.public_key) as string[],
    [Symbol.asyncDispose]: () => it[Symbol.asyncDispose](),
  }
}
const attestationOf = (resource: string, version: string) =>
  `GET ${AT}/${resource}/versions/${encodeURIComponent(version)}/attestation`

test('a version that a run put says which run made it, of which commit and image, signed', async () => {
  await using it = await withPut()
  const { body } = await it.house.ask(attestationOf('image', DIGEST))
  expect(body.items).toMatchObject([{ run: it.build.plan.run }])
  const found = opened(body.items[0].envelope, it.keys)
  expect(found?.statement).toMatchObject({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: `shop/main/image@${DIGEST}`, digest: { sha256: 'a1'.repeat(32) } }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        externalParameters: {
          project: 'shop',
          pipeline: 'main',
          lane: 'main',
          job: 'build',
          revision: it.sha,
          images: ['node:22'],
        },
        internalParameters: {
          build: { builder: 'Docker 20.10.24', bases: 'as the builder tells them' },
        },
        resolvedDependencies: [
          { name: 'src', digest: { gitCommit: it.sha } },
          {
            ...{ name: 'image', uri: 'docker://node:22', digest: { sha256: 'b2'.repeat(32) } },
            annotations: { image_id: ids('c3'), reference: `node@${ids('b2')}` },
          },
          {
            ...{ name: 'image', uri: 'docker://tools:local', digest: { sha256: 'e5'.repeat(32) } },
            annotations: { image_id: ids('e5'), digest_of: 'configuration' },
          },
          {
            ...{ name: 'base', uri: 'docker://docker.io/library/node:22' },
            ...{ digest: { sha256: 'b2'.repeat(32) }, annotations: { told_by: 'Docker 20.10.24' } },
          },
          {
            ...{ name: 'base', uri: 'docker://docker.io/library/tools:local' },
            annotations: { told_by: 'Docker 20.10.24', digest: 'not told by the builder' },
          },
        ],
      },
      runDetails: {
        builder: { id: it.house.url },
        metadata: { invocationId: `${it.house.url}/runs/${it.build.plan.run}#1` },
      },
    },
  })
  const { items } = (await it.house.ask(`GET ${AT}/image/versions`)).body
  expect(items).toMatchObject([{ name: DIGEST, attested: true }])
  expect((await it.house.ask(`GET ${AT}/src/versions`)).body.items).toMatchObject([{ attested: false }])
})

test('the images that ran are told of their run, once each, and a hostile report of them is refused', async () => {
  await using it = await withPut()
  const { body } = await it.house.ask(`GET /api/v1/runs/${it.build.plan.run}`)
  expect(body.images).toEqual(RAN)
  const put = (image: object) =>
    it.build.put('image', { kind: 'image', digest: DIGEST, tags: [] }, { images: [{ ...RAN[0], ...image }] })
  expect((await put({ id: 'sha256:../..' })).status).toBe(422)
  expect((await put({ image: 'x'.repeat(501) })).status).toBe(422)
  const told = (built: object) =>
    it.build.put('image', { kind: 'image', digest: DIGEST, tags: [], built: { ...BUILT, ...built } })
  expect((await told({ from: [{ ...BUILT.from[0], digest: 'sha256:../..' }] })).status).toBe(422)
  expect((await told({ from: Array(101).fill(BUILT.from[0]) })).status).toBe(422)
  expect((await told({ by: '' })).status).toBe(422)
  expect((await put({ digests: Array(21).fill('a@sha256:b') })).status).toBe(422)
})

test('of a builder that does not tell what it built from the statement says just that', async () => {
  await using it = await withPut()
  const of = (built: object | null) =>
    it.build.put('image', { kind: 'image', digest: DIGEST, tags: [], built })
  const read = async () => {
    const { body } = await it.house.ask(attestationOf('image', DIGEST))
    return JSON.stringify(opened(body.items[0].envelope, it.keys)?.statement)
  }
  await of({ by: 'Docker 18', from: null })
  expect(await read()).toContain('"build":{"builder":"Docker 18","bases":"not told by the builder"}')
  await of(null)
  expect(await read()).not.toContain('"build":{')
})

test('what is only a number is signed with the digest of what it says', async () => {
  await using it = await withPut()
  const { body } = await it.house.ask(attestationOf('release', '1.1.0'))
  const found = opened(body.items[0].envelope, it.keys)
  expect(found?.statement).toMatchObject({
    subject: [
      { name: 'shop/main/release@1.1.0', digest: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } },
    ],
  })
})

test('provenance is there exactly as long as its version: what is not recorded is not signed', async () => {
  await using it = await withPut()
  const rows = () => it.house.db.selectFrom('attestations').select('version_id').execute()
  const before = await rows()
  expect(before).toHaveLength(2)
  expect((await it.build.put('image', { kind: 'image', digest: 'sha256:x', tags: [] })).status).toBe(422)
  expect(
    (await it.build.put('image', { kind: 'image', digest: DIGEST, tags: [] }, { by: 'no-lease' })).status,
  ).toBe(409)
  await it.build.put('image', { kind: 'image', digest: DIGEST, tags: ['v1'] }) // said twice, it is signed once
  expect(await rows()).toHaveLength(2)
  await it.house.db.deleteFrom('attestations').execute()
  expect(await it.house.ask(attestationOf('image', DIGEST))).toMatchObject({
    status: 404,
    body: { code: 'attestation-not-found' },
  })
})

test('who does not see the project does not see its provenance; the public keys are everybody’s', async () => {
  await using it = await withPut()
  const { token: as } = await person(it.house, 'eve')
  expect((await it.house.ask(attestationOf('image', DIGEST), undefined, { as })).status).toBe(404)
  expect(it.keys).toHaveLength(1)
})

test('an envelope opens to the key that signed it, and not with a letter of it changed', () => {
  const signer = signerOf('the key of a server, which is long enough')
  const sealed = signer.sign({ subject: [{ name: 'x' }] })
  const other = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }) as string
  expect(opened(sealed, [other, signer.publicKey])).toMatchObject({ statement: { subject: [{ name: 'x' }] } })
  const payload = Buffer.from(JSON.stringify({ subject: [{ name: 'y' }] })).toString('base64')
  const changed: Envelope[] = [
    { ...sealed, payload },
    { ...sealed, payloadType: 'text/plain' },
    { ...sealed, signatures: [] },
    {
      ...sealed,
      signatures: [
        { keyid: signer.keyid, sig: sealed.signatures[0]!.sig.replace(/^./, (a) => (a === 'A' ? 'B' : 'A')) },
      ],
    },
  ]
  for (const envelope of changed) expect(opened(envelope, [signer.publicKey])).toBeNull()
  expect(opened(sealed, [other])).toBeNull()
  expect(signerOf('the key of a server, which is long enough').keyid).toBe(signer.keyid)
})
