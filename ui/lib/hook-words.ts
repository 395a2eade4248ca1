import type { ProjectHook } from './hooks-api.ts'

type Told = {
  readonly title: string
  /** Where the address and the secret go, one thing to do at a time. */
  readonly steps: readonly string[]
}

/** What to do at each sender, in the words of its own pages. */
export const SENDERS: Readonly<Record<Exclude<ProjectHook['sender'], 'events'>, Told>> = {
  github: {
    title: 'GitHub',
    steps: [
      'In the repository: Settings → Webhooks → Add webhook.',
      'The address goes into Payload URL, the secret into Secret; the content type is application/json.',
      'Choose the events Pushes and Pull requests, and whatever else your lines listen to.',
      'GitHub sends a ping, which appears among the deliveries.',
    ],
  },
  gitlab: {
    title: 'GitLab',
    steps: [
      'In the project: Settings → Webhooks → Add new webhook.',
      'The address goes into URL, the secret into Secret token, Signing token or both.',
      'Choose Push events, Tag push events and Merge request events.',
      'Test → Push events sends one, which appears among the deliveries.',
    ],
  },
  gitea: {
    title: 'Gitea or Forgejo',
    steps: [
      'In the repository: Settings → Webhooks → Add webhook → Gitea or Forgejo.',
      'The address goes into Target URL, the secret into Secret; POST, application/json.',
      'Choose the events Create, Delete, Push and Pull request.',
      'Test delivery sends one, which appears among the deliveries.',
    ],
  },
  registry: {
    title: 'Registry of images',
    steps: [
      'Distribution, Docker Hub, Harbor, Quay, Azure and others tell here of a push.',
      'Let the registry send the secret as Authorization: Bearer …, as a password, or as the header x-takt-token.',
      'The resources that watch the image are looked for at once.',
    ],
  },
}

/** A shell command that tells of an event, signed by the Standard Webhooks specification. */
export const signedCall = ({ url, secret }: Pick<ProjectHook, 'url' | 'secret'>): string =>
  [
    `id=$(uuidgen) at=$(date +%s) body='{"action":"closed","issue":{"number":7}}'`,
    `key=$(printf %s '${secret.replace(/^whsec_/, '')}' | base64 -d | od -An -v -tx1 | tr -d ' \\n')`,
    `sign=$(printf '%s.%s.%s' "$id" "$at" "$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)`,
    `curl -d "$body" -H 'content-type: application/json' -H "webhook-id: $id" -H "webhook-timestamp: $at" \\`,
    `  -H "webhook-signature: v1,$sign" '${url}'`,
  ].join('\n')
