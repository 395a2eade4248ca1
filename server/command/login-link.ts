import { call } from './call.ts'
import { readConfig } from './config.ts'
import { note, out, outJson } from './print.ts'

/** A fresh address that signs one browser in, once. */
export async function loginLink({ json }: { json?: true }): Promise<number> {
  const link = await call<{ url: string }>(readConfig(), '/api/v1/login-links', { method: 'POST', body: {} })
  if (json) outJson(link)
  else {
    note('open this in a browser; it works once:')
    out(link.url)
  }
  return 0
}
