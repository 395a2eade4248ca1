import { createHmac, randomUUID } from 'node:crypto'
import type { Answer, House } from './server.ts'
import { ZERO } from './told.ts'

type ProjectHook = { readonly sender: string; readonly url: string; readonly secret: string }

/** The address and the secret that a project shows for one of its senders. */
export async function hookOf(house: House, sender: string, source = 'tracker'): Promise<ProjectHook> {
  const { items } = (await house.ask(`GET /api/v1/projects/shop/hooks?source=${source}`)).body
  return items.find((each: ProjectHook) => each.sender === sender)
}

/** Sent to a hook as somebody outside does: nobody is signed in. */
export const post = (
  house: House,
  url: string,
  body: string,
  headers: Record<string, string>,
): Promise<Answer> => house.ask(`POST ${url.replace(house.url, '')}`, body, { as: null, headers })

type Letter = {
  readonly id?: string
  readonly atMs?: number
  readonly secret?: string
  readonly body?: string
}

/** The headers of the Standard Webhooks specification, right unless the test says otherwise. */
export function standardHeaders(
  secret: string,
  body: string,
  { id = randomUUID(), atMs = Date.now() }: Letter = {},
): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1_000))
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}

/** An event of the project's own source `tracker`. */
export async function sendEvent(house: House, payload: object, letter: Letter = {}): Promise<Answer> {
  const hook = await hookOf(house, 'events')
  const body = letter.body ?? JSON.stringify(payload)
  return post(house, hook.url, body, standardHeaders(letter.secret ?? hook.secret, body, letter))
}

export const giteaHeaders = (secret: string, body: string, event: string, id: string = randomUUID()) => ({
  'x-gitea-event': event,
  'x-gitea-delivery': id,
  'x-gitea-signature': createHmac('sha256', secret).update(body).digest('hex'),
})
export const gitlabHeaders = (token: string, event: string, id: string = randomUUID()) => ({
  'x-gitlab-event': event,
  'x-gitlab-token': token,
  'idempotency-key': id,
})

/** A project of GitLab in the shape of its documentation's examples. */
const gitlabProject = (url: string, branch = 'main') => ({
  ...{ id: 15, name: 'Shop', description: '', web_url: url.replace(/\.git$/, ''), avatar_url: null },
  ...{ git_ssh_url: 'git@git.acme.example:acme/shop.git', git_http_url: url, namespace: 'Acme' },
  ...{ visibility_level: 0, path_with_namespace: 'acme/shop', default_branch: branch },
})

type Moved = { readonly before?: string; readonly after: string; readonly ref?: string }
export const gitlabPush = (url: string, { before = ZERO, after, ref = 'refs/heads/main' }: Moved) => ({
  object_kind: ref.startsWith('refs/tags/') ? 'tag_push' : 'push',
  event_name: ref.startsWith('refs/tags/') ? 'tag_push' : 'push',
  ...{ before, after, ref, ref_protected: true, checkout_sha: after },
  ...{ user_id: 4, user_name: 'Ann', user_username: 'ann', project_id: 15 },
  ...{ project: gitlabProject(url), commits: [], total_commits_count: 1 },
})

/** A merge request of GitLab; `more` goes into its `object_attributes`. */
export const gitlabRequest = (url: string, sha: string, more: Record<string, unknown> = {}) => ({
  ...{ object_kind: 'merge_request', event_type: 'merge_request' },
  user: { id: 1, name: 'Ann', username: 'ann', avatar_url: null, email: '[REDACTED]' },
  project: gitlabProject(url),
  labels: [{ id: 206, title: 'bug', type: 'ProjectLabel' }],
  changes: {},
  object_attributes: {
    ...{
      id: 99,
      iid: 7,
      target_branch: 'main',
      source_branch: 'pay',
      source_project_id: 15,
      target_project_id: 15,
    },
    ...{ author_id: 1, title: 'Pay by card', state: 'opened', draft: false, work_in_progress: false },
    ...{
      last_commit: { id: sha, message: 'Pay', author: { name: 'Ann', email: 'ann@example.test' } },
      action: 'open',
    },
    ...more,
  },
})

const giteaRepository = (url: string) => ({
  ...{ id: 1, name: 'shop', full_name: 'acme/shop', private: false, clone_url: url, default_branch: 'main' },
  ...{ ssh_url: 'git@git.acme.example:acme/shop.git', html_url: url.replace(/\.git$/, '') },
})
export const giteaPush = (url: string, { before = ZERO, after, ref = 'refs/heads/main' }: Moved) => ({
  ...{ ref, before, after, compare_url: '', commits: [], repository: giteaRepository(url) },
  pusher: { id: 1, login: 'ann', username: 'ann' },
})
export const giteaPull = (url: string, shas: { head: string; base: string }, more: object = {}) => ({
  ...{ action: 'opened', number: 2 },
  pull_request: {
    ...{ id: 1, number: 2, title: 'Pay by card', user: { id: 2, login: 'bob', username: 'bob' }, labels: [] },
    ...{ state: 'open', merged: false, merge_base: shas.base },
    base: { label: 'main', ref: 'main', sha: shas.base, repo_id: 1, repo: giteaRepository(url) },
    head: { label: 'pay', ref: 'pay', sha: shas.head, repo_id: 1, repo: giteaRepository(url) },
  },
  repository: giteaRepository(url),
  review: null,
  ...more,
})
