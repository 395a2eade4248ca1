import type { HttpBindings } from '@hono/node-server'
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
      connectSrc: ["'self'"], // and its WebSockets, which are of the same origin
      baseUri: ["'none'"],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
    },
    xFrameOptions: 'DENY',
    referrerPolicy: 'no-referrer',
    crossOriginResourcePolicy: 'same-origin',
  })

/** For an image that pages of other sites may show; registered before `headers`, whose answer it changes. */
export const shownElsewhere = (): MiddlewareHandler =>
  async function shownOnOtherSites(c, next) {
    await next()
    c.header('cross-origin-resource-policy', 'cross-origin')
  }

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/** What a browser says of a request that one of our pages makes, or that a person makes by hand. */
const OWN_SITE = new Set([undefined, 'same-origin', 'none'])

/** A browser that changes something must do so from our own pages; programs send neither header. */
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
    if (!SAFE.has(c.req.method) && origin === undefined && !OWN_SITE.has(c.req.header('sec-fetch-site')))
      throw new Problem('foreign-origin', 'the request comes from a page of another site')
    await next()
  }

/**
 * Whether a page's origin is this server, under the name the browser used or the public one. Where the public one is https, a page that
 * came without it under that name is somebody's on the way.
 */
export function isOurs(origin: string, host: string | undefined, publicUrl: string): boolean {
  if (!URL.canParse(origin)) return false
  const [from, ours] = [new URL(origin), new URL(publicUrl)]
  if (from.origin === ours.origin) return true
  if (ours.protocol === 'https:' && from.host === ours.host) return false
  return host !== undefined && from.host === host
}

/** Refuse a body while it is being read, not after. */
export const atMost = (maxBytes: number): MiddlewareHandler =>
  bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new Problem('body-too-large', `at most ${maxBytes} bytes are read here`)
    },
  })

/** A delivery of 25 MB comes through a line of 3.5 Mbit/s in this time. */
const BODY_MS = 60_000

/**
 * Cut off whoever sends a body so slowly that it is not there in time: a drop now and then is no silence, and would hold a
 * connection for ever. Not for pushes and files of runs, which take as long as they take.
 */
export const bodyWithin = (ms: number = BODY_MS): MiddlewareHandler =>
  async function bodyInTime(c, next) {
    const incoming = (c.env as Partial<HttpBindings> | undefined)?.incoming
    if (!incoming || incoming.complete || SAFE.has(c.req.method)) return next()
    const late = setTimeout(() => {
      if (!incoming.complete) incoming.socket.destroy()
    }, ms)
    incoming.once('end', () => clearTimeout(late))
    incoming.once('close', () => clearTimeout(late))
    await next()
  }
