import type { Delivery } from './deliveries-api.ts'
import type { AnyState } from './state-words.ts'

/** A delivery is drawn with the shapes people know from runs. */
const SHAPES: Readonly<Record<Delivery['state'], AnyState>> = {
  received: 'queued',
  processed: 'succeeded',
  ignored: 'skipped',
  refused: 'failed',
  failed: 'errored',
}
export const shapeOf = ({ state }: Pick<Delivery, 'state'>): AnyState => SHAPES[state]

export const SENDERS: Readonly<Record<Delivery['source'], string>> = {
  github: 'GitHub',
  gitlab: 'GitLab',
  gitea: 'Gitea or Forgejo',
  git: 'a git server',
  hosted: 'a hosted repository',
  events: 'a source of events',
  registry: 'a registry',
}

/** A payload as people read it; what is no JSON, or was cut, as it came. */
export function legible(payload: string): string {
  try {
    return JSON.stringify(JSON.parse(payload), null, 2)
  } catch {
    return payload // shown as it is: that it is no JSON is what there is to see
  }
}
