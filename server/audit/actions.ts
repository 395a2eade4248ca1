/** Routes whose addresses say too little of what they do. Null: they change nothing, whatever their method. */
export const NAMED: Readonly<Record<string, string | null>> = {
  'POST /check': null,
  'POST /invitations/look': null,
  'POST /projects/:project/pipelines/:pipeline/rehearse': null,
  'POST /projects/:project/pipelines/:pipeline/file': 'pipeline.commit',
  'POST /organizations/:organization/policies/try': null,
  'POST /statuses/:id/retry': 'status.retry',
  'POST /session': 'session.start',
  'DELETE /session': 'session.end',
  'DELETE /sessions': 'session.end-others',
  'DELETE /sessions/:id': 'session.end',
  'PUT /server/maintenance': 'maintenance.begin',
  'DELETE /server/maintenance': 'maintenance.end',
  'POST /projects/:project/removed/delete': 'history.delete',
  'PUT /me/password': 'password.set',
  'PUT /organizations/:organization/members/people/:name': 'member.set',
  'DELETE /organizations/:organization/members/people/:name': 'member.remove',
  'PUT /organizations/:organization/members/teams/:name': 'member.set',
  'DELETE /organizations/:organization/members/teams/:name': 'member.remove',
  'PUT /organizations/:organization/teams/:team/people/:name': 'team.admit',
  'DELETE /organizations/:organization/teams/:team/people/:name': 'team.dismiss',
  'PUT /projects/:project/members/people/:name': 'member.set',
  'DELETE /projects/:project/members/people/:name': 'member.remove',
  'PUT /projects/:project/members/teams/:name': 'member.set',
  'DELETE /projects/:project/members/teams/:name': 'member.remove',
  'PATCH /projects/:project/settings': 'project.change',
  'POST /projects/:project/events/:source': 'event.tell',
  'PUT /projects/:project/pipelines/:pipeline/resources/:resource/params': 'params.edit',
  'DELETE /projects/:project/pipelines/:pipeline/resources/:resource/pin': 'resource.unpin',
  'POST /projects/:project/pipelines/:pipeline/jobs/:job/runs': 'run.trigger',
}

const VERBS: Readonly<Record<string, string>> = { POST: 'add', PUT: 'set', PATCH: 'change', DELETE: 'remove' }

/**
 * What a route does, in the field's words: `project.add`, `run.cancel`, `secret.set`. A route names it by itself: a collection is
 * added to, a member is set or removed, and a word behind a member is what is done to it.
 *
 * @returns Null where it changes nothing.
 */
export function actionOf(route: string): string | null {
  const named = Object.hasOwn(NAMED, route) ? NAMED[route] : undefined
  if (named !== undefined) return named
  const [method = '', path = ''] = route.split(' ')
  const verb = VERBS[method]
  if (verb === undefined) return null
  const parts = path.split('/').slice(1)
  const last = parts.findLast((part) => !part.startsWith(':')) ?? ''
  const owner = parts.slice(0, parts.indexOf(last)).findLast((part) => !part.startsWith(':'))
  const isDeed = parts.length > 1 && parts.at(-1) === last && !last.endsWith('s')
  if (!isDeed || owner === undefined) return `${one(last)}.${verb}`
  return method === 'DELETE' ? `${one(owner)}.${last}-remove` : `${one(owner)}.${last}`
}

const one = (collection: string) => collection.replace(/ies$/, 'y').replace(/s$/, '')
