import type { Route } from './fake-reply.ts'

const IMAGE =
  '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="20"><rect width="120" height="20" rx="3" fill="#14724f"/></svg>'

export const BADGES: readonly Route[] = [
  [
    'GET',
    /^\/projects\/([^/]+)\/pipelines\/([^/]+)\/badge\.svg$/,
    ({ world, url }) => {
      world.asked.push(`badge ${url.search}`)
      return { status: 200, body: IMAGE, type: 'image/svg+xml' }
    },
  ],
]
