import type { Context } from 'hono'
import { deleteCookie, setCookie } from 'hono/cookie'
import type { Secret } from './sessions.ts'

const SESSION_COOKIE = 'takt_session'

/** The session's secret in a Cookie header. */
export function sessionIn(cookie: string | undefined): string | null {
  for (const part of (cookie ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2)
    if (name === SESSION_COOKIE && value) return value
  }
  return null
}

/** Let the browser keep a session, out of the reach of scripts and of other sites. */
export function keepSession(c: Context, { secret, maxAgeS }: Secret, publicUrl: string): void {
  setCookie(c, SESSION_COOKIE, secret, {
    httpOnly: true,
    sameSite: 'Lax',
    secure: publicUrl.startsWith('https:'),
    path: '/',
    maxAge: maxAgeS,
  })
}

export const dropSession = (c: Context): void => void deleteCookie(c, SESSION_COOKIE, { path: '/' })
