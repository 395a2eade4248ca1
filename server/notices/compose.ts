import { type NoticeFacts, noticeText } from '#pipelines/language/notice-words.ts'
import { standardKeys, standardSignature } from '../access/standard-webhooks.ts'

/** As many are told one by one; of the others, how many they are. */
const MOST_TOLD = 20
const MOST_LETTERS = 500

/** What one message says. */
export type Told = {
  readonly id: number
  readonly template: string | null
  readonly isTest: boolean
  /** The oldest first, `url` a whole address; at least one. */
  readonly facts: readonly NoticeFacts[]
  readonly count: number
  /** Hides what must not be read. */
  readonly mask: (text: string) => string
}

const line = (facts: NoticeFacts, { template, mask }: Told) => cut(mask(noticeText(facts, template)))
const cut = (text: string) => (text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS)}…` : text)
const shownOf = ({ facts }: Told) => facts.slice(0, MOST_TOLD)
const moreOf = (told: Told) => {
  const left = told.count - shownOf(told).length
  return left > 0 ? [`and ${left} more`] : []
}
const TEST = 'This is a test: somebody looks whether notices arrive here.'

/** The signs by which a job that ended is told from afar. */
const SIGNS: Readonly<Record<NoticeFacts['kind'], string>> = {
  failure: '🔴',
  fixed: '🟢',
  success: '🟢',
  approval: '✋',
  drift: '🟠',
  alert: '🟠',
}

/** As Slack reads it, and Mattermost, Rocket.Chat and others who take the same. */
export function forSlack(told: Told, channel: string): object {
  const lines = shownOf(told).map((facts) => {
    const text = slackText(line(facts, told))
    return `${SIGNS[facts.kind]} ${told.template === null ? `<${facts.url}|${text.replaceAll('|', '¦')}>` : text}`
  })
  const text = [...(told.isTest ? [TEST] : lines), ...moreOf(told)].join('\n')
  return { text, ...(channel === '' ? {} : { channel }) }
}

/** Slack knows these three and no others: `&quot;` would be read as it is written, so that this is no escaping of XML. */
const slackText = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

export function forMail(told: Told): { subject: string; text: string } {
  const [first] = told.facts
  const place = first ? `${first.project}/${first.pipeline}` : ''
  const what =
    told.count === 1 && first ? noticeWords(first) : `${told.count} notices on ${first?.lane ?? ''}`
  const lines = shownOf(told).flatMap((facts) => [line(facts, told), `    ${facts.url}`, ''])
  return {
    subject: oneLine(told.mask(`[${place}] ${told.isTest ? 'a test of notices' : what}`)).slice(0, 200),
    text: [...(told.isTest ? [TEST, ''] : lines), ...moreOf(told)].join('\n'),
  }
}

const noticeWords = ({ job, number, words, lane }: NoticeFacts) =>
  `${job === '' ? '' : `${job} #${number} `}${words} on ${lane}`
/** A subject is one line, whatever a branch is called. */
// oxlint-disable-next-line no-control-regex
const oneLine = (text: string) => text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')

export function forProgram(told: Told): string {
  const items = shownOf(told).map((facts) => ({
    ...Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, told.mask(value)])),
    text: line(facts, told),
  }))
  return JSON.stringify({ type: told.isTest ? 'test' : 'notices', id: told.id, count: told.count, items })
}

type Signing = { readonly key: string; readonly seconds: number }

/**
 * The headers by which a receiver knows a message and its sender: those of standardwebhooks.com, so that its libraries check them. A key
 * may be written as they write theirs, `whsec_` and base64.
 */
export function signed(id: number, body: string, signing: Signing | null): Record<string, string> {
  const named = { 'webhook-id': `notice-${id}` }
  if (!signing) return named
  const timestamp = String(signing.seconds)
  const [key] = standardKeys(signing.key)
  const signature = standardSignature(key, { id: named['webhook-id'], timestamp, body })
  return { ...named, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}
