import type { RunId } from '#pipelines/ids.ts'
import { statementOf } from '../../server/attestations/statement.ts'
import { ok, type Route } from './fake-reply.ts'

const HEX = 'c0ffee'.padEnd(64, '0')
const BASE = 'ba5e'.padEnd(64, '0')

/** The statement that the server would sign of a version, in an envelope. */
function attestation(resource: string, version: string) {
  const statement = statementOf({
    run: {
      ...{ id: 12 as RunId, attempt: 1, project: 'shop', pipeline: 'main', lane: 'main', job: 'publish' },
      ...{
        start: 'settled',
        sha: 'a'.repeat(40),
        matrix: null,
        given: null,
        version: '0.1.0',
        runner: 'one',
      },
      started_at: new Date(0),
    } as unknown as Parameters<typeof statementOf>[0]['run'],
    made: {
      ...{ resource, name: version, fields: {} },
      built: {
        by: 'Docker 20.10.24',
        from: [
          { as: 'base', image: 'docker.io/library/node:24', digest: `sha256:${BASE}` },
          { as: 'base', image: 'tools:local', digest: null },
        ],
        leftOff: 0,
      },
    },
    inputs: [{ resource: 'src', name: 'a'.repeat(40), url: 'https://git.example/shop.git', fields: {} }],
    steps: [{ step: 1, name: 'build', kind: 'run', state: 'succeeded' }] as never,
    named: ['node:24'],
    ran: [{ image: 'node:24', id: `sha256:${HEX}`, digests: [`node@sha256:${HEX}`] }],
    publicUrl: 'http://takt.example',
  })
  const payload = Buffer.from(JSON.stringify(statement)).toString('base64')
  return { run: 12, key: 'k1', created_at: new Date(0).toISOString(), envelope: { payload, signatures: [] } }
}

export const PROVENANCE: readonly Route[] = [
  [
    'GET',
    /^\/projects\/[^/]+\/pipelines\/[^/]+\/resources\/([^/]+)\/versions\/([^/]+)\/attestation$/,
    (_, resource, version) =>
      ok({ items: [attestation(resource ?? '', decodeURIComponent(version ?? ''))], next: null }),
  ],
]
