import { z } from 'zod'
import { expect } from './payloads.ts'

/** An image that a registry says was pushed: the repository's path in it, without its host. */
export type PushedImage = { readonly path: string; readonly tag: string | null }

const word = z.string().max(500)
const MOST_EVENTS = 1_000
/** Distribution, and what is built on it; also of other registries that speak its shape one event at a time. */
const Event = z.object({
  action: word,
  target: z.object({
    repository: word,
    tag: word.nullish(),
    mediaType: word.optional(),
  }),
})
const Distribution = z.object({ events: z.array(z.unknown()).max(MOST_EVENTS) })
const DockerHub = z.object({ push_data: z.object({ tag: word }), repository: z.object({ repo_name: word }) })
const Harbor = z.object({
  type: word,
  event_data: z.object({
    repository: z.object({ repo_full_name: word }),
    resources: z
      .array(z.object({ tag: word.nullish() }))
      .max(MOST_EVENTS)
      .optional(),
  }),
})
const Quay = z.object({ docker_url: word, repository: word, updated_tags: z.array(word).max(MOST_EVENTS) })

const MANIFEST = /manifest|image\.index/

/**
 * What registries say when something was pushed: CNCF Distribution (and Azure's, whose events come one by one), Docker Hub, Harbor and
 * Quay. Pulls, deletions and single layers are of no consequence.
 *
 * @throws {Error} In words, when no registry that we know speaks so.
 */
export function readRegistry(payload: unknown): { images: readonly PushedImage[] } | { nothing: string } {
  const images = imagesOf(payload)
  if (!images)
    throw new Error(
      'no registry that is known speaks so: expected the notification of Distribution, Docker Hub, Harbor, Quay or Azure',
    )
  return images.length > 0 ? { images } : { nothing: 'no image was pushed: nothing to look for' }
}

function imagesOf(payload: unknown): PushedImage[] | null {
  const many = Distribution.safeParse(payload)
  if (many.success) return many.data.events.flatMap((each) => ofEvent(expect(Event, each)))
  const one = Event.safeParse(payload)
  if (one.success) return ofEvent(one.data)
  const hub = DockerHub.safeParse(payload)
  if (hub.success) return [{ path: hub.data.repository.repo_name, tag: hub.data.push_data.tag }]
  const harbor = Harbor.safeParse(payload)
  if (harbor.success) return ofHarbor(harbor.data)
  const quay = Quay.safeParse(payload)
  return quay.success ? quay.data.updated_tags.map((tag) => ({ path: quay.data.repository, tag })) : null
}

const ofEvent = ({ action, target }: z.output<typeof Event>): PushedImage[] =>
  action === 'push' && MANIFEST.test(target.mediaType ?? 'manifest')
    ? [{ path: target.repository, tag: target.tag ?? null }]
    : []

function ofHarbor({ type, event_data: told }: z.output<typeof Harbor>): PushedImage[] {
  if (!/^push/i.test(type)) return []
  const path = told.repository.repo_full_name
  return (told.resources ?? [{ tag: null }]).map(({ tag }) => ({ path, tag: tag ?? null }))
}
