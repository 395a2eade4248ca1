import type { Role } from '#pipelines/access/roles.ts'

/**
 * What a route of the API needs. `anyone`: nobody in particular may ask, and the answer shows only what the asker sees. `someone`:
 * whoever is signed in. `site`: an admin of the server. Else a role in the place that the route’s path names: a project, a run’s
 * or a gate’s project, or an organization.
 */
export type Need =
  | 'anyone'
  | 'someone'
  | 'site'
  | { readonly on: 'project' | 'run' | 'gate' | 'organization'; readonly role: Role }

const organization = (role: Role): Need => ({ on: 'organization', role })
const project = (role: Role): Need => ({ on: 'project', role })
const run = (role: Role): Need => ({ on: 'run', role })
const gate = (role: Role): Need => ({ on: 'gate', role })

const SERVICES = '/organizations/:organization/service-accounts'
const PIPELINE = '/projects/:project/pipelines/:pipeline'
const RESOURCE = `${PIPELINE}/resources/:resource`
const SCHEDULE = `${PIPELINE}/schedules/:schedule`
const JOB = `${PIPELINE}/jobs/:job`

/** Every route below `/api/v1`. One that is not listed is refused to everybody; a test holds this against the API’s description. */
export const ROUTE_RIGHTS: Readonly<Record<string, Need>> = {
  'POST /session': 'anyone',
  'DELETE /session': 'someone',
  'GET /login-providers': 'anyone',
  'POST /login-ways': 'anyone',
  'GET /me': 'someone',
  'GET /me/logins': 'someone',
  'DELETE /me/logins/:provider': 'someone',
  'PUT /me/password': 'someone',
  'GET /sessions': 'someone',
  'DELETE /sessions': 'someone',
  'DELETE /sessions/:id': 'someone',
  'POST /login-links': 'someone',
  'GET /tokens': 'someone',
  'POST /tokens': 'someone',
  'DELETE /tokens/:id': 'someone',
  'POST /invitations/look': 'anyone',
  'POST /invitations/accept': 'anyone',
  'GET /organizations/:organization/invitations': organization('admin'),
  'POST /organizations/:organization/invitations': organization('admin'),
  'DELETE /organizations/:organization/invitations/:id': organization('admin'),
  'GET /users': 'site',
  'POST /users/:name/disable': 'site',
  'POST /users/:name/enable': 'site',
  'PUT /users/:name/role': 'site',
  'POST /users/:name/login-links': 'site',
  'GET /server': 'someone',
  'GET /server/key': 'site',
  'POST /server/key/rotate': 'site',
  'POST /check': 'someone',

  'GET /audit': 'someone',
  'GET /audit/export': 'someone',
  'GET /audit/verify': 'site',

  'GET /runners': 'someone',
  'GET /runners/:name/events': 'someone',
  'POST /runners/:name/pause': 'site',
  'POST /runners/:name/drain': 'site',
  'POST /runners/:name/resume': 'site',
  'POST /runners/:name/reset': 'site',
  'GET /deliveries': 'someone',
  'GET /deliveries/:id': 'someone',
  'GET /deliveries/:id/payload': 'someone',
  'POST /deliveries/:id/replay': 'someone',
  'GET /holds': 'someone',

  'GET /organizations': 'someone',
  'POST /organizations': 'site',
  'GET /organizations/:organization': 'someone',
  'DELETE /organizations/:organization': 'site',
  'GET /organizations/:organization/members': organization('viewer'),
  'PUT /organizations/:organization/members/people/:name': organization('admin'),
  'DELETE /organizations/:organization/members/people/:name': organization('admin'),
  'PUT /organizations/:organization/members/teams/:name': organization('admin'),
  'DELETE /organizations/:organization/members/teams/:name': organization('admin'),
  'GET /organizations/:organization/teams': organization('viewer'),
  'PUT /organizations/:organization/teams/:team': organization('admin'),
  'DELETE /organizations/:organization/teams/:team': organization('admin'),
  'PUT /organizations/:organization/teams/:team/people/:name': organization('admin'),
  'DELETE /organizations/:organization/teams/:team/people/:name': organization('admin'),

  [`GET ${SERVICES}`]: organization('admin'),
  [`POST ${SERVICES}`]: organization('admin'),
  [`DELETE ${SERVICES}/:account`]: organization('admin'),
  [`GET ${SERVICES}/:account/tokens`]: organization('admin'),
  [`POST ${SERVICES}/:account/tokens`]: organization('admin'),
  [`DELETE ${SERVICES}/:account/tokens/:id`]: organization('admin'),

  'GET /organizations/:organization/policies': organization('viewer'),
  'PUT /organizations/:organization/policies': organization('admin'),
  'POST /organizations/:organization/policies/try': organization('admin'),

  'GET /projects': 'anyone',
  'POST /projects': 'someone',
  'GET /pipelines': 'anyone',
  'GET /projects/:project': project('viewer'),
  'GET /projects/:project/members': project('viewer'),
  'PUT /projects/:project/members/people/:name': project('admin'),
  'DELETE /projects/:project/members/people/:name': project('admin'),
  'PUT /projects/:project/members/teams/:name': project('admin'),
  'DELETE /projects/:project/members/teams/:name': project('admin'),
  'PATCH /projects/:project/settings': project('admin'),
  'GET /projects/:project/hook': project('maintainer'),
  'GET /projects/:project/hooks': project('maintainer'),
  'GET /projects/:project/catch-up': project('viewer'),
  'POST /projects/:project/catch-up': project('operator'),
  'GET /projects/:project/secrets': project('maintainer'),
  'PUT /projects/:project/secrets/:name': project('maintainer'),
  'POST /projects/:project/secrets/:name/narrow': project('maintainer'),
  'DELETE /projects/:project/secrets/:name': project('maintainer'),
  'GET /organizations/:organization/secrets': organization('maintainer'),
  'PUT /organizations/:organization/secrets/:name': organization('maintainer'),
  'POST /organizations/:organization/secrets/:name/narrow': organization('maintainer'),
  'DELETE /organizations/:organization/secrets/:name': organization('maintainer'),
  'GET /projects/:project/values': project('operator'),
  'GET /projects/:project/values/:key': project('operator'),
  'PUT /projects/:project/values/:key': project('operator'),
  'DELETE /projects/:project/values/:key': project('operator'),
  'POST /projects/:project/values/:key/increment': project('operator'),
  'GET /projects/:project/values/:key/history': project('operator'),
  'GET /projects/:project/notices': project('operator'),
  'POST /projects/:project/notices/:id/retry': project('operator'),
  [`GET ${PIPELINE}/notify`]: project('operator'),
  [`POST ${PIPELINE}/notify/:index/test`]: project('maintainer'),
  'GET /projects/:project/trace': project('viewer'),
  'POST /projects/:project/events/:source': project('operator'),

  [`GET ${PIPELINE}`]: project('viewer'),
  [`POST ${PIPELINE}/rerun`]: project('operator'),
  [`GET ${RESOURCE}`]: project('viewer'),
  [`GET ${RESOURCE}/versions`]: project('viewer'),
  [`GET ${RESOURCE}/versions/:version/attestation`]: project('viewer'),
  [`PUT ${RESOURCE}/pin`]: project('maintainer'),
  [`DELETE ${RESOURCE}/pin`]: project('maintainer'),
  [`POST ${RESOURCE}/versions/:version/disable`]: project('maintainer'),
  [`POST ${RESOURCE}/versions/:version/enable`]: project('maintainer'),
  [`PUT ${RESOURCE}/params`]: project('maintainer'),
  [`POST ${RESOURCE}/check`]: project('operator'),
  [`GET ${RESOURCE}/hook`]: project('maintainer'),
  'GET /projects/:project/sources': project('maintainer'),
  'PUT /projects/:project/sources/:source': project('maintainer'),
  'DELETE /projects/:project/sources/:source': project('maintainer'),
  'GET /projects/:project/sources/:source/events': project('maintainer'),
  'POST /projects/:project/sources/:source/events/:id/replay': project('maintainer'),
  'GET /schedules': 'anyone',
  [`GET ${SCHEDULE}`]: project('viewer'),
  [`GET ${SCHEDULE}/firings`]: project('viewer'),
  [`POST ${SCHEDULE}/pause`]: project('maintainer'),
  [`POST ${SCHEDULE}/resume`]: project('maintainer'),
  [`POST ${SCHEDULE}/fire`]: project('operator'),
  [`POST ${JOB}/pause`]: project('maintainer'),
  [`POST ${JOB}/resume`]: project('maintainer'),
  [`POST ${JOB}/runs`]: project('operator'),
  [`GET ${JOB}/why`]: project('viewer'),
  [`GET ${JOB}/secrets`]: project('maintainer'),
  [`GET ${JOB}/tests`]: project('viewer'),

  'GET /runs': 'anyone',
  'GET /runs/:id': run('viewer'),
  'POST /runs/:id/cancel': run('operator'),
  'POST /runs/:id/retry': run('operator'),
  'POST /runs/:id/restore': run('operator'),
  'GET /runs/:id/explain': run('viewer'),
  'GET /runs/:id/log': run('viewer'),
  'GET /runs/:id/log/search': run('viewer'),
  'GET /runs/:id/tests': run('viewer'),
  'GET /runs/:id/coverage': run('viewer'),
  'GET /runs/:id/artifacts': run('viewer'),
  'GET /runs/:id/artifacts/:name/files': run('viewer'),
  'GET /runs/:id/artifacts/:name/files/:path': run('viewer'),
  'GET /runs/:id/artifacts/:name': run('viewer'),
  'GET /runs/:id/terminals': run('viewer'),
  'POST /runs/:id/hold/end': run('maintainer'),

  'GET /pulls': 'anyone',
  'POST /projects/:project/pulls/:number/approve': project('approver'),
  'POST /projects/:project/pulls/:number/reject': project('approver'),

  'GET /gates': 'anyone',
  'GET /gates/:id': gate('viewer'),
  'POST /gates/:id/approve': gate('approver'),
  'POST /gates/:id/reject': gate('approver'),
}
