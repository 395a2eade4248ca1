import type { GitHook, ProjectHook, Taken } from '../../ui/lib/hooks-api.ts'
import { type Asked, ok, type Reply, type Route } from './fake-reply.ts'

const HERE = 'https://takt.acme.example/hooks'
export const secretOf = (sender: string): string => `whsec_${btoa(`the secret of ${sender}`)}`
const hook = (sender: ProjectHook['sender'], project: string, source = ''): ProjectHook => ({
  ...{ sender, url: `${HERE}/${sender}?project=${project}${source}`, secret: secretOf(sender), how: '' },
})

function list({ url }: Asked, project = ''): Reply {
  const source = url.searchParams.get('source')
  const items = (['github', 'gitlab', 'gitea', 'registry'] as const).map((sender) => hook(sender, project))
  if (source !== null) items.push(hook('events', project, `&source=${source}`))
  return ok({ items, next: null })
}

function git(_: Asked, project = ''): Reply {
  const [url, secret] = [`${HERE}/git?project=${project}`, secretOf('git')]
  const install = [`git config takt.url '${url}'`, `git config takt.secret '${secret}'`]
  return ok({ url, secret, install } satisfies GitHook)
}

/** One resource listens to what is closed. */
function tell({ body }: Asked): Reply {
  const versions = body['action'] === 'closed' ? [{ pipeline: 'main', resource: 'ticket' }] : []
  return ok({ id: 'f00d', versions } satisfies Taken)
}

export const HOOKS: readonly Route[] = [
  ['GET', /^\/projects\/([^/]+)\/hooks$/, list],
  ['GET', /^\/projects\/([^/]+)\/hook$/, git],
  [
    'GET',
    /^\/projects\/([^/]+)\/pipelines\/([^/]+)\/resources\/([^/]+)\/hook$/,
    (_, ...at) => ok({ url: `${HERE}/resources/${at.join('/')}`, token: secretOf('resource') }),
  ],
  ['POST', /^\/projects\/([^/]+)\/events\/([^/]+)$/, tell],
]
