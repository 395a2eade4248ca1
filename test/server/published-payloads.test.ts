import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readDelivery } from '../../server/webhooks/payloads.ts'

type Examples = { readonly name: string; readonly examples: readonly object[] }[]
const examples: Examples = JSON.parse(
  readFileSync(fileURLToPath(import.meta.resolve('@octokit/webhooks-examples')), 'utf8'),
)
const published = examples.flatMap(({ name, examples: all }) =>
  all.map((payload, index) => ({ event: name, index, payload })),
)
const read = (event: string, payload: object) =>
  readDelivery({ source: 'github', event, body: Buffer.from(JSON.stringify(payload)) })

test.each(published)(
  'GitHub’s published example $event $index is understood, or of no consequence',
  ({ event, payload }) => {
    const meaning = read(event, payload)
    expect('push' in meaning).toBe(event === 'push' || event === 'delete')
  },
)

test('a published push says which repository, which ref and which commit', () => {
  const { payload } = published.find(({ event }) => event === 'push')!
  const given = payload as {
    ref: string
    before: string
    after: string
    deleted: boolean
    repository: { id: number }
  }
  expect(read('push', payload)).toMatchObject({
    push: {
      ref: given.ref,
      after: given.deleted ? null : given.after,
      repository: { forgeId: String(given.repository.id) },
    },
  })
})
