import type { Answer, House } from './server.ts'

/** A password that is good enough. */
export const GOOD = 'correct horse battery'

/** The session that an answer lets the browser keep, as a browser shows it. */
export function cookieOf({ status, headers, text }: Answer): string {
  const cookie = headers.get('set-cookie')?.split(';')[0]
  if (!cookie) throw new Error(`no session in an answer ${status}: ${text}`)
  return cookie
}

/** Somebody who asks with a session, and keeps what is set, as a browser does. */
export class Signed {
  cookie: string
  readonly #house: House

  constructor(house: House, cookie: string) {
    this.#house = house
    this.cookie = cookie
  }

  async ask(request: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await this.#house.ask(request, body, {
      as: null,
      headers: { cookie: this.cookie, ...headers },
    })
    if (answer.headers.has('set-cookie')) this.cookie = cookieOf(answer)
    return answer
  }
}

/** Turn an API token into a session, as the login page does. */
export async function signedIn(house: House, token: string): Promise<Signed> {
  return new Signed(house, cookieOf(await house.ask('POST /api/v1/session', {}, { as: token })))
}
