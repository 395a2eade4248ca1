import { createTransport } from 'nodemailer'
import type { Config } from '../config.ts'
import { forMail, type Told } from './compose.ts'
import type { Outcome } from './deliver.ts'

/** The mail server that the operator named, and whom mails come from. */
export type Mail = { readonly smtpUrl: string; readonly from: string }

type Settings = Pick<Config, 'TAKT_SMTP_URL' | 'TAKT_MAIL_FROM' | 'TAKT_URL'>

/** Null where no mail server is named. */
export function mailOf({ TAKT_SMTP_URL, TAKT_MAIL_FROM, TAKT_URL }: Settings): Mail | null {
  if (TAKT_SMTP_URL === undefined) return null
  const host = TAKT_URL === undefined ? 'localhost' : new URL(TAKT_URL).hostname
  return { smtpUrl: TAKT_SMTP_URL, from: TAKT_MAIL_FROM ?? `Takt <takt@${host}>` }
}

const TIMEOUT_MS = 15_000

/** Hand a mail to the mail server; whether it goes on from there, nobody hears. */
export async function sendMail(
  { smtpUrl, from }: Mail,
  { to, told }: { readonly to: string; readonly told: Told },
): Promise<Outcome> {
  const transport = createTransport(smtpUrl, {
    ...{ connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  })
  try {
    const { response } = await transport.sendMail({
      ...{ from, to, ...forMail(told) },
      // The same at each attempt: a mail that arrived twice is shown once.
      messageId: `<takt-notice-${told.id}@${hostOf(from)}>`,
      headers: { 'auto-submitted': 'auto-generated' },
    })
    return { ended: 'sent', status: codeIn(response), words: response.slice(0, 300) }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const status = 'responseCode' in error ? codeIn(String(error.responseCode)) : null
    const isFinal = status !== null && status >= 500
    return {
      ended: 'failed',
      isFinal,
      status,
      words: `the mail server: ${error.message.slice(0, 300)}`,
      patienceMs: null,
    }
  } finally {
    transport.close()
  }
}

const hostOf = (from: string) => /@([A-Za-z0-9.-]+)/.exec(from)?.[1] ?? 'takt.invalid'
const codeIn = (text: string) => (/^[2-5]\d\d/.test(text) ? Number(text.slice(0, 3)) : null)
