import type { DeliverySource } from '../db/hook-tables.ts'
import { type Meaning as OfRefs, readGit, readGithub } from './payloads.ts'
import { readGitea } from './read-gitea.ts'
import { readGitlab } from './read-gitlab.ts'
import { type PushedImage, readRegistry } from './read-registry.ts'

/** Something that happened, as a project's `event` resources hear of it. */
export type Happening = { readonly source: string; readonly id: string; readonly body: object }

/** What a delivery comes to: a ref that moved, an event, images that were pushed, or nothing, and why. */
export type Meaning = OfRefs | { readonly happening: Happening } | { readonly images: readonly PushedImage[] }

export type Stored = {
  readonly source: DeliverySource
  readonly delivery_id: string
  readonly event: string
  readonly body: Buffer
}

/**
 * Read a stored delivery.
 *
 * @throws {Error} In words, when the body is not what its sender promises.
 */
export function readDelivery(stored: Stored): Meaning {
  const { source, event } = stored
  const payload = payloadIn(stored)
  switch (source) {
    case 'github':
      return readGithub(event, payload)
    case 'gitlab':
      return readGitlab(payload)
    case 'gitea':
      return readGitea(event, payload)
    case 'git':
    case 'hosted':
      return readGit(payload)
    case 'events':
      return { happening: { source: event, id: ownId(stored), body: objectOf(payload) } }
    case 'registry':
      return readRegistry(payload)
  }
}

/** The sender's own name for a delivery that was told to a project: behind the project's name and the source's. */
export const ownId = ({ delivery_id: id }: Pick<Stored, 'delivery_id'>): string =>
  id.slice(id.lastIndexOf('/') + 1)

function objectOf(payload: unknown): object {
  if (typeof payload === 'object' && payload !== null && !Array.isArray(payload)) return payload
  throw new Error('the body of an event must be a JSON object, such as {"action": "push"}')
}

/** @throws {Error} In words, when the body is no JSON. */
export function payloadIn({ body }: Pick<Stored, 'body'>): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (error) {
    throw new Error(
      `the body is not JSON in UTF-8: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
}
