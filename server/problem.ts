/** Every way the API can say no. `type` in the response is `/problems/<key>`; `hint` tells what to do. */
const PROBLEMS = {
  'invalid-request': { status: 422, title: 'The request is not of the expected shape' },
  'malformed-json': { status: 400, title: 'The body is not JSON' },
  'wrong-content-type': { status: 415, title: 'The body has a content type that is not accepted here' },
  'body-too-large': { status: 413, title: 'The body is larger than is accepted here' },
  'not-signed-in': { status: 401, title: 'This needs a session or an API token' },
  'bad-token': { status: 401, title: 'The API token is not known or has expired' },
  'bad-login-link': { status: 401, title: 'The login link is not known, was used, or has expired' },
  'bad-login': { status: 401, title: 'The name and the password do not open an account' },
  'too-many-attempts': { status: 429, title: 'Too many passwords were wrong' },
  'bad-search': { status: 422, title: 'This cannot be looked for' },
  'search-too-slow': { status: 422, title: 'The search takes too long' },
  'too-many-requests': { status: 429, title: 'There are too many requests' },
  'weak-password': { status: 422, title: 'The password is not good enough' },
  'wrong-password': { status: 422, title: 'The present password is another one' },
  'session-needed': { status: 403, title: 'This is for whoever is signed in, and for no API token' },
  'invitation-not-found': { status: 404, title: 'There is no such invitation' },
  'too-many-invitations': { status: 409, title: 'There are enough open invitations' },
  'provider-not-found': { status: 404, title: 'There is no such login' },
  'provider-away': { status: 503, title: 'The provider cannot be asked' },
  'provider-refused': { status: 403, title: 'The provider did not say who it is' },
  'login-way-lost': { status: 403, title: 'The way back from the provider is not known' },
  'no-account': { status: 403, title: 'There is no account for this login' },
  'identity-taken': { status: 409, title: 'The login opens another account' },
  'identity-not-found': { status: 404, title: 'There is no such linked login' },
  'last-way-in': { status: 409, title: 'Nothing else would open the account' },
  'token-not-found': { status: 404, title: 'There is no such API token' },
  'token-exists': { status: 409, title: 'An API token of this name exists already' },
  'too-many-tokens': { status: 409, title: 'There are enough API tokens' },
  'bad-expiry': { status: 422, title: 'The end of the token is not accepted' },
  'name-taken': { status: 409, title: 'The name is taken' },
  'last-admin': { status: 409, title: 'This is the last admin of the server' },
  'not-yourself': { status: 409, title: 'Nobody does this to themselves' },
  'not-for-services': { status: 409, title: 'This is not for service accounts' },
  'session-not-found': { status: 404, title: 'There is no such session' },
  'not-allowed': { status: 403, title: 'You may not do this' },
  'organization-exists': { status: 409, title: 'An organization of this name exists already' },
  'bad-policies': { status: 422, title: 'These are no policies' },
  'organization-in-use': { status: 409, title: 'The organization still has projects' },
  'user-not-found': { status: 404, title: 'There is nobody of this name' },
  'team-not-found': { status: 404, title: 'There is no such team' },
  'not-a-member': { status: 404, title: 'There is no such role to take away' },
  'organization-not-found': { status: 404, title: 'There is no such organization' },
  'bad-signature': { status: 401, title: 'The delivery is not signed with the shared secret' },
  'hook-not-configured': { status: 404, title: 'No secret is configured for this hook' },
  'foreign-origin': { status: 403, title: 'The request comes from a page of another origin' },
  'not-found': { status: 404, title: 'There is nothing at this address' },
  'project-not-found': { status: 404, title: 'There is no such project' },
  'project-exists': { status: 409, title: 'A project of this name exists already' },
  'bad-repository': { status: 422, title: 'The repository address is not accepted' },
  'pipeline-not-found': { status: 404, title: 'There is no such pipeline' },
  'file-not-found': { status: 404, title: 'There is no such pipeline file' },
  'file-moved': { status: 409, title: 'The branch has gone on' },
  'pipeline-invalid': { status: 422, title: 'The pipeline file has errors' },
  'bad-branch': { status: 422, title: 'Nothing can be committed to this branch' },
  'job-not-found': { status: 404, title: 'There is no such job' },
  'not-removed': { status: 409, title: 'This is still there' },
  'wrong-confirmation': { status: 422, title: 'The name that confirms it is another one' },
  'lane-not-found': { status: 404, title: 'There is no such lane' },
  'resource-not-found': { status: 404, title: 'There is no such resource' },
  'nothing-to-check': { status: 409, title: 'Nothing looks for versions of this resource' },
  'version-not-found': { status: 404, title: 'There is no such version' },
  'attestation-not-found': { status: 404, title: 'There is no signed provenance of this' },
  'bad-put': { status: 422, title: 'The run cannot put this' },
  'version-ambiguous': { status: 409, title: 'Several versions begin like this' },
  'bad-secret': { status: 422, title: 'This cannot be a secret' },
  'secret-not-there': { status: 422, title: 'The store does not give this secret' },
  'secret-not-found': { status: 404, title: 'There is no such secret' },
  'secret-exists': { status: 409, title: 'There is such a secret already' },
  'secret-unreadable': { status: 409, title: 'The stored secret cannot be read' },
  'no-new-key': { status: 409, title: 'There is no new key to change to' },
  'key-not-known': { status: 503, title: 'This server does not know the key that seals' },
  'value-not-found': { status: 404, title: 'There is no such value' },
  'value-too-large': { status: 413, title: 'The value is too large' },
  'too-many-values': { status: 409, title: 'The project has enough values' },
  'not-a-number': { status: 409, title: 'The value is no whole number to count with' },
  'changed-meanwhile': { status: 412, title: 'Somebody was quicker' },
  'state-too-large': { status: 413, title: 'The state is too large' },
  'state-not-found': { status: 404, title: 'There is no such state' },
  'bad-state': { status: 422, title: 'The state cannot be changed like that' },
  'untrusted-lane': { status: 409, title: 'The lane is a pull request’s' },
  'notice-not-found': { status: 404, title: 'There is no such notice' },
  'notice-sent': { status: 409, title: 'The notice has arrived' },
  'bad-input': { status: 422, title: 'What the job asks for is not filled in rightly' },
  'no-input': { status: 409, title: 'The job has no agreed input to run with yet' },
  'run-not-found': { status: 404, title: 'There is no such run' },
  'bad-archive': { status: 422, title: 'The archive cannot be taken' },
  'files-not-found': { status: 404, title: 'There are no such files' },
  'files-expired': { status: 410, title: 'The files were kept, and have expired' },
  'stale-lease': { status: 409, title: 'The lease does not hold this run' },
  'other-dialect': { status: 409, title: 'The run was decided on from facts of another form' },
  'gate-not-found': { status: 404, title: 'There is no such gate' },
  'gate-closed': { status: 409, title: 'Nobody decides at this gate any more' },
  'pull-not-found': { status: 404, title: 'There is no such pull request' },
  'pull-decided': { status: 409, title: 'Nobody is asked about this pull request' },
  'head-moved': { status: 409, title: 'The pull request has another head by now' },
  'already-decided': { status: 409, title: 'You have decided at this gate' },
  'other-answers': { status: 409, title: 'The form is filled in already, and otherwise' },
  'bad-callback': { status: 403, title: 'Nothing is called back at this address' },
  'callback-used': { status: 409, title: 'Somebody called back already' },
  'callback-expired': { status: 410, title: 'Nobody waits for this callback any more' },
  'service-not-found': { status: 404, title: 'There is no such service' },
  'bad-service': { status: 422, title: 'This cannot be a service' },
  'no-terminal': { status: 409, title: 'No terminal can be opened there' },
  'too-many-terminals': { status: 429, title: 'There are enough terminals open' },
  'not-held': { status: 409, title: 'The run’s container is not kept' },
  'illegal-move': { status: 409, title: 'The run cannot do that from its present state' },
  'runner-not-found': { status: 404, title: 'There is no such runner' },
  'source-not-found': { status: 404, title: 'There is no such event source' },
  'event-not-found': { status: 404, title: 'There is no such event' },
  'schedule-not-found': { status: 404, title: 'There is no such schedule' },
  'delivery-not-found': { status: 404, title: 'There is no such delivery' },
  'payload-removed': { status: 410, title: 'The payload of the delivery is kept no more' },
  'status-not-found': { status: 404, title: 'There is no such status' },
  unavailable: { status: 503, title: 'The server cannot do this at the moment' },
} as const

export type ProblemCode = keyof typeof PROBLEMS

export const statusOf = (code: ProblemCode): number => PROBLEMS[code].status

/** A refusal that the caller could have expected: it has a code, a status and a sentence, and never a stack. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly detail: string
  readonly fields: Record<string, unknown>

  /**
   * @param detail  What was wrong this time, naming the value, the place and what to do.
   * @param fields  Further members of the answer, for programs; `retry_after`, in seconds, is its header, too.
   */
  constructor(code: ProblemCode, detail: string, fields: Record<string, unknown> = {}) {
    super(`${PROBLEMS[code].title}: ${detail}`)
    this.code = code
    this.detail = detail
    this.fields = fields
  }

  /** RFC 9457. Only what the caller may know. */
  toResponse(): Response {
    const { status, title } = PROBLEMS[this.code]
    const body = {
      ...this.fields,
      type: `/problems/${this.code}`,
      code: this.code,
      title,
      status,
      detail: this.detail,
    }
    const headers = new Headers({ 'content-type': 'application/problem+json' })
    const retryAfter = this.fields['retry_after']
    if (typeof retryAfter === 'number') headers.set('retry-after', String(retryAfter))
    return Response.json(body, { status, headers })
  }
}
