import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readDelivery } from '../../server/webhooks/read-delivery.ts'

type Examples = { readonly name: string; readonly examples: readonly object[] }[]
const examples: Examples = JSON.parse(
  readFileSync(fileURLToPath(import.meta.resolve('@octokit/webhooks-examples')), 'utf8'),
)
const published = examples.flatMap(({ name, examples: all }) =>
  all.map((payload, index) => ({ event: name, index, payload })),
)
const read = (event: string, payload: object) =>
  readDelivery({ source: 'github', delivery_id: 'd', event, body: Buffer.from(JSON.stringify(payload)) })

test.each(published)(
  'GitHub’s published example $event $index is understood, or of no consequence',
  ({ event, payload }) => {
    const meaning = read(event, payload)
    const { action } = payload as { action?: string }
    const pulls = ['opened', 'reopened', 'synchronize', 'ready_for_review', 'labeled', 'closed']
    const moves = event === 'pull_request' && pulls.includes(action ?? '')
    expect('push' in meaning).toBe(event === 'push' || event === 'delete' || moves)
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

test('a published pull request says what it wants to bring where, and what became of it', () => {
  const of = (action: string) => {
    const found = published.find(
      (each) => each.event === 'pull_request' && (each.payload as { action: string }).action === action,
    )!
    const payload = found.payload as { pull_request: { head: { sha: string } }; before?: string }
    return { payload, meaning: read('pull_request', payload) }
  }
  const opened = of('opened')
  expect(opened.meaning).toMatchObject({
    push: {
      ref: 'refs/pull/2/head',
      before: null,
      after: opened.payload.pull_request.head.sha,
      repository: { forgeId: '186853002', defaultBranch: 'master' },
      pull: { number: 2, base: 'master', head: 'changes', draft: false, fork: false, over: null },
    },
  })
  const next = of('synchronize')
  expect(next.meaning).toMatchObject({ push: { before: next.payload.before, forced: null } })
  expect(of('closed').meaning).toMatchObject({ push: { after: null, pull: { over: 'closed' } } })
  expect(of('labeled').meaning).toMatchObject({ push: { pull: { labels: ['bug'] } } })
  expect(of('assigned').meaning).toMatchObject({
    nothing: 'the action `assigned` of a pull request starts nothing',
  })
})

test('a pull request whose repository is gone or another one comes from a fork', () => {
  const { payload } = published.find(({ event }) => event === 'pull_request')! as {
    payload: { pull_request: { head: object } }
  }
  const from = (repo: object | null) =>
    read('pull_request', {
      ...payload,
      pull_request: { ...payload.pull_request, head: { ...payload.pull_request.head, repo } },
    })
  expect(from({ id: 186853002 })).toMatchObject({ push: { pull: { fork: false } } })
  expect(from({ id: 7 })).toMatchObject({ push: { pull: { fork: true } } })
  expect(from(null)).toMatchObject({ push: { pull: { fork: true } } })
})
