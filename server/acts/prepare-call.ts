import type { Job } from '#pipelines/language/pipeline.ts'
import { callbacksOf } from '#pipelines/language/check/scope.ts'
import { branchOf } from '#pipelines/plan/secret-scopes.ts'
import { isTrusted } from '#pipelines/plan/secrets-in.ts'
import { ownIn } from '#pipelines/own-in.ts'
import type { Db } from '../db/connect.ts'
import { transact } from '../db/transact.ts'
import { markOf } from '../gates/begin-act.ts'
import { jobOfRun } from '../runs/job-of-run.ts'
import { judgeSecrets } from '../policies/judge-run.ts'
import { lockRun, type LockedRun } from '../runs/lock-run.ts'
import { startsOf } from '../runs/starts-of.ts'
import type { Keyring } from '../secrets/keyring.ts'
import { masking, masksOf } from '../secrets/masks.ts'
import { openAllSecrets } from '../secrets/open.ts'
import { Unsealable } from '../secrets/seal.ts'
import type { Stores } from '../secrets/stores/stores.ts'
import { callbackUrl } from '../runs/callback-url.ts'
import type { Claimed } from './claim-calls.ts'
import { addressUnder, secretsNamed, unfitHeader, withSecrets } from './fit-services.ts'
import { type Outcome, unanswered } from './judge.ts'

export type Preparing = {
  readonly db: Db
  readonly keys: Keyring
  readonly stores: Stores
  readonly publicUrl: () => string
}
export type Prepared = {
  readonly url: URL
  readonly headers: Headers
  readonly body: string | null
  /** Hides what opens anything in what is kept of the answer. */
  readonly mask: (text: string) => string
}

/** A request with all that stands for something put in, or why there is none to send. */
export async function prepareCall(with_: Preparing, call: Claimed): Promise<Prepared | Outcome> {
  const { db } = with_
  const at = await db.transaction().execute(async (trx) => {
    const run = await lockRun(trx, call.run)
    return { run, job: await jobOfRun(trx, run), starts: await startsOf(trx, run.id) }
  })
  if (!at.job) return refusal(`the revision of run ${call.run} has no job \`${at.run.job}\``)
  // Whoever sends a pull request writes its file, and would say what is asked of the service.
  if (!isTrusted(at.run.lane_kind)) return refusal('a pull request calls no services')
  const service = await db
    .selectFrom('services')
    .select(['url', 'headers'])
    .where('project_id', '=', at.run.project_id)
    .where('name', '=', call.spec.service)
    .executeTakeFirst()
  if (!service)
    return refusal(
      `the project ${at.run.project} declares no service \`${call.spec.service}\`: takt services set ${at.run.project}/${call.spec.service} <url>`,
    )
  const { run, job } = { run: at.run, job: at.job }
  const names = secretsNamed(service.headers)
  const denied = await transact(db, (tx) => judgeSecrets(tx, { run, job, names }))
  if (denied !== null) return refusal(denied)
  const opened = await secretsFor(with_, { ...at, job }, names)
  if ('state' in opened) return opened
  const filled = await callbacksIn(with_, call, at.job)
  const url = addressUnder(service.url, filled.put(call.spec.path))
  if (!url) return refusal(`the path leads out of the service \`${call.spec.service}\``)
  const headers = headersOf({ call, put: filled.put }, service.headers, opened.values)
  if (!(headers instanceof Headers)) return headers
  const known = await masksOf(db, at.run.project_id, with_.keys)
  const own = masking([...Object.values(opened.values), ...filled.tokens])
  const body = call.spec.body === null ? null : filled.put(call.spec.body)
  if (body !== null && !headers.has('content-type'))
    headers.set('content-type', isJson(body) ? 'application/json' : 'text/plain; charset=utf-8')
  return { url, headers, body, mask: (text) => known(own(text)) }
}

const refusal = (words: string) => unanswered('call_refused', words)

type At = {
  readonly run: LockedRun
  readonly job: Job
  readonly starts: Awaited<ReturnType<typeof startsOf>>
}

/** The secrets that a service is opened with, as far as they are for this run. */
async function secretsFor(
  { db, keys, stores }: Preparing,
  { run, job, starts }: At,
  names: readonly string[],
): Promise<{ readonly values: Readonly<Record<string, string>> } | Outcome> {
  const branch = branchOf({ name: run.lane, kind: run.lane_kind })
  const asking = { job: job.name, environment: job.environment, branch, starts }
  try {
    const { values, unmeant } = await openAllSecrets(
      db,
      { project: run.project_id, names, asking },
      { keys, stores },
    )
    const lacking = names.find((name) => ownIn(values, name) === undefined)
    if (lacking === undefined) return { values }
    const why = ownIn(unmeant, lacking) ?? 'the project has no secret of this name'
    return refusal(`its headers need the secret ${lacking}: ${why}`)
  } catch (error) {
    if (error instanceof Unsealable) return unanswered('service_away', error.message) // a store may be back later
    throw error
  }
}

type Filled = { readonly put: (text: string) => string; readonly tokens: readonly string[] }

/** One-time addresses lie nowhere: until now marks stood for them. */
async function callbacksIn({ db, keys, publicUrl }: Preparing, call: Claimed, job: Job): Promise<Filled> {
  const { body, path, headers } = call.spec
  const texts = [body ?? '', path, ...Object.values(headers)]
  const named = [...new Set(callbacksOf(job))].filter((name) =>
    texts.some((text) => text.includes(markOf(call.key, name))),
  )
  const urls: [string, string][] = []
  for (const name of named) {
    const with_ = { publicUrl: publicUrl(), key: keys.newest.text }
    urls.push([markOf(call.key, name), await callbackUrl(db, { run: call.run, name }, with_)])
  }
  return {
    put: (text) => urls.reduce((left, [mark, url]) => left.replaceAll(mark, () => url), text),
    tokens: urls.map(([, url]) => url.slice(url.lastIndexOf('/') + 1)),
  }
}

type Saying = { readonly call: Claimed; readonly put: (text: string) => string }

/** What the file says, under what the service says: a file does not sign in as somebody else. */
function headersOf(
  { call, put }: Saying,
  declared: Readonly<Record<string, string>>,
  secrets: Readonly<Record<string, string>>,
): Headers | Outcome {
  const written = Object.entries(call.spec.headers).map(([name, value]): [string, string] => [
    name,
    put(value),
  ])
  const opened = Object.entries(declared).map(([name, value]): [string, string] => [
    name,
    withSecrets(value, secrets) ?? '',
  ])
  const headers = new Headers()
  for (const [name, value] of [...written, ...opened]) {
    const unfit = unfitHeader(name, value)
    if (unfit !== null) return refusal(unfit)
    headers.set(name, value)
  }
  headers.set('idempotency-key', call.key)
  return headers
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false // then it is a text
  }
}
