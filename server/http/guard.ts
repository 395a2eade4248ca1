import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { secureHeaders } from 'hono/secure-headers'
import { Problem } from '../problem.ts'

/** Headers for every answer: scripts and styles from here only, no frames, no sniffing. */
export const headers = (): MiddlewareHandler =>
  secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      fontSrc: ["'self'"],
      connectSrc: ["'self'", 'ws:', 'wss:'],
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
    },
    xFrameOptions: 'DENY',
    referrerPolicy: 'no-referrer',
    crossOriginResourcePolicy: 'same-origin',
  })

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/** A browser that changes something must do so from our own pages; programs send no Origin. */
export const sameOrigin = (publicUrl: () => string): MiddlewareHandler =>
  async function sameOriginOnly(c, next) {
    const origin = c.req.header('origin')
    if (
      !SAFE.has(c.req.method) &&
      origin !== undefined &&
      !isOurs(origin, c.req.header('host'), publicUrl())
    ) {
      throw new Problem(
        'foreign-origin',
        `${origin} may not change anything here; open the dashboard at its own address`,
      )
    }
    await next()
  }

/** Whether a page's origin is this server, under the name the browser used or the public one. */
export function isOurs(origin: string, host: string | undefined, publicUrl: string): boolean {
  if (!URL.canParse(origin)) return false
  const from = new URL(origin)
  return from.origin === new URL(publicUrl).origin || (host !== undefined && from.host === host)
}

/** Refuse a body while it is being read, not after. */
export const atMost = (maxBytes: number): MiddlewareHandler =>
  bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new Problem('body-too-large', `at most ${maxBytes} bytes are read here`)
    },
  })
