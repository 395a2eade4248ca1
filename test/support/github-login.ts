import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** What GitHub's documentation shows as the answer of `GET /user`, shortened to what is not an address. */
export const OCTOCAT = {
  ...{ login: 'octocat', id: 1, node_id: 'MDQ6VXNlcjE=', type: 'User', site_admin: false },
  ...{
    name: 'monalisa octocat',
    company: 'GitHub',
    email: 'octocat@github.com',
    two_factor_authentication: true,
  },
}
export const EMAILS = [
  { email: 'octocat@github.com', verified: true, primary: true, visibility: 'public' },
  { email: 'someone@else.example', verified: false, primary: false, visibility: null },
]

/** A server that speaks GitHub's OAuth as its documentation has it; whoever is sent there agrees. */
export async function githubLogin({
  user = OCTOCAT,
  emails = EMAILS,
}: { user?: object; emails?: object[] } = {}) {
  const codes = new Map<string, URLSearchParams>()
  const asked: string[] = []
  const http = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://github.test')
    asked.push(url.pathname)
    const say = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (url.pathname === '/login/oauth/authorize') {
      const code = `code-${codes.size}`
      codes.set(code, url.searchParams)
      const back = new URL(url.searchParams.get('redirect_uri') ?? '')
      back.search = new URLSearchParams({ code, state: url.searchParams.get('state') ?? '' }).toString()
      return response.writeHead(302, { location: back.href }).end()
    }
    if (url.pathname === '/login/oauth/access_token') return say(200, await tokenFor(request, codes))
    if (request.headers.authorization !== 'Bearer gho_16C7e42F292c6912E7710c838347Ae178B4a')
      return say(401, { message: 'Bad credentials' })
    if (url.pathname === '/api/v3/user') return say(200, user)
    if (url.pathname === '/api/v3/user/emails') return say(200, emails)
    say(404, { message: 'Not Found' })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }
}

async function tokenFor(request: IncomingMessage, codes: Map<string, URLSearchParams>): Promise<object> {
  const said = new URLSearchParams(await text(request))
  const known = codes.get(said.get('code') ?? '')
  codes.delete(said.get('code') ?? '')
  const challenge = createHash('sha256')
    .update(said.get('code_verifier') ?? '')
    .digest('base64url')
  const isRight =
    known?.get('code_challenge') === challenge &&
    known.get('redirect_uri') === said.get('redirect_uri') &&
    said.get('client_secret') === 'shh'
  return isRight
    ? {
        access_token: 'gho_16C7e42F292c6912E7710c838347Ae178B4a',
        scope: 'read:user,user:email',
        token_type: 'bearer',
      }
    : { error: 'bad_verification_code', error_description: 'The code passed is incorrect or expired.' }
}
