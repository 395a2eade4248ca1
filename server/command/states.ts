import { buffer } from 'node:stream/consumers'
import type { z } from 'zod'
import type { StateNow } from '../states/edit-shapes.ts'
import type { State, StateContent, StateDiff, StateHistory, StateList } from '../states/shapes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { Ending, WRONG_USE } from './ending.ts'
import { pipelineAt } from './places.ts'
import { localTime, note, out, outJson, plain, plainLines, table } from './print.ts'

type Json = { readonly json?: true }
/** Where it is looked for: a lane, a leg, a version. */
export type Where = Json & { readonly lane?: string; readonly leg?: string; readonly version?: string }
type Change = Where & { readonly reason: string; readonly ifVersion?: string }
type Version = z.output<typeof StateHistory>['items'][number]
type Now = z.output<typeof StateNow>

/** The address of what remembers, named as `<project>/<pipeline>/jobs/<job>` or `…/resources/<resource>`. */
function at(what: string): string {
  const [project = '', pipeline = '', of = '', name = '', ...more] = what.split('/')
  if (more.length > 0 || name === '' || (of !== 'jobs' && of !== 'resources'))
    throw new Ending(
      WRONG_USE,
      `\`${what}\` names nothing that remembers: write <project>/<pipeline>/jobs/<job> or …/resources/<resource>`,
    )
  return `${pipelineAt(`${project}/${pipeline}`)}/states/${of}/${encodeURIComponent(name)}`
}

const query = ({ lane, leg, version }: Where) => ({ lane, leg, version })
const madeBy = ({ by, run }: Version) =>
  by ?? (run ? `${run.job} #${run.number} (run ${run.id})` : 'the file')
const madeAt = ({ made_at }: Version) => (made_at === null ? '' : localTime(made_at))
const legOf = (leg: Readonly<Record<string, string>> | null) =>
  leg === null ? '' : ` (${Object.values(leg).join(', ')})`

export async function listStates(line: string, { json, lane }: Json & { lane?: string }): Promise<number> {
  const path = `${pipelineAt(line)}/states`
  const list = await call<z.output<typeof StateList>>(readConfig(), path, { query: { lane } })
  if (json) outJson(list)
  else {
    const rows = list.items.map((item) => [
      ...[item.of === 'job' ? `jobs/${item.name}${legOf(item.leg)}` : `resources/${item.name}`, item.of],
      ...[String(item.version), String(item.keys), String(item.files), String(item.bytes)],
      ...[madeAt(item), madeBy(item)],
    ])
    if (rows.length === 0) note(`Nothing on ${list.lane} remembers anything: a job writes to $TAKT_STATE`)
    else out(table(['WHAT', 'KIND', 'VERSION', 'KEYS', 'FILES', 'BYTES', 'MADE', 'BY'], rows))
    note(`${list.used} of ${list.limit} bytes are used in the project`)
  }
  return 0
}

export async function showState(what: string, options: Where): Promise<number> {
  const state = await call<z.output<typeof State>>(readConfig(), at(what), { query: query(options) })
  if (options.json) outJson(state)
  else {
    out(`version ${state.version} of ${state.newest}, by ${plain(madeBy(state))} ${madeAt(state)}`.trimEnd())
    if (state.reason !== null) out(`  ${plain(state.reason)}`)
    const keys = state.values.map(({ key, value, whole }) => [key, whole ? value : `${value}…`])
    if (keys.length > 0) out(table(['KEY', 'VALUE'], keys))
    const files = state.entries.map(({ path, kind, bytes }) => [kind, String(bytes), path])
    if (files.length > 0) out(table(['KIND', 'BYTES', 'PATH'], files))
    if (state.next !== null) note('there are more files; --json and the dashboard page through them')
    if (state.under_way.length > 0)
      note(`run ${state.under_way.join(', ')} is under way: what it leaves becomes the newest version`)
  }
  return 0
}

/** The text itself and nothing else, so that a script can take it; to a terminal without what a terminal would obey. */
export async function getContent(what: string, path: string, options: Where): Promise<number> {
  const wanted = what.includes('/resources/') && /^[A-Za-z_]\w*$/.test(path) ? { key: path } : { path }
  const found = await contentOf(what, wanted, options)
  if (options.json) outJson(found)
  else if (found.text === null) throw new Ending(WRONG_USE, `${path} is no text: it has ${found.bytes} bytes`)
  else {
    process.stdout.write(process.stdout.isTTY ? plainLines(found.text) : found.text)
    if (found.cut) note(`\n${path} has ${found.bytes} bytes, and this is its beginning`)
    if (found.masked) note(`\nsecrets in it are hidden`)
  }
  return 0
}

/** A name without a dot or a slash may be a key as well as a file. */
async function contentOf(what: string, wanted: { key: string } | { path: string }, options: Where) {
  const ask = (part: { key?: string; path?: string }) =>
    call<z.output<typeof StateContent>>(readConfig(), `${at(what)}/content`, {
      query: { ...query(options), ...part },
    })
  if (!('key' in wanted)) return ask(wanted)
  const { key } = wanted
  return ask({ key }).catch((error: unknown) => {
    if (error instanceof Ending && error.exitCode === WRONG_USE) return ask({ path: key })
    throw error
  })
}

export async function historyOfState(what: string, options: Where): Promise<number> {
  const list = await call<z.output<typeof StateHistory>>(readConfig(), `${at(what)}/history`, {
    query: query(options),
  })
  if (options.json) outJson(list)
  else
    out(
      table(
        ['VERSION', 'MADE', 'BY', 'KEYS', 'FILES', 'BYTES', 'WHY'],
        list.items.map((item) => [
          ...[String(item.version), madeAt(item), madeBy(item)],
          ...[String(item.keys), String(item.files), String(item.bytes)],
          [item.reason ?? '', item.restored === null ? '' : `(version ${item.restored} again)`]
            .join(' ')
            .trim(),
        ]),
      ),
    )
  return 0
}

type Ends = { readonly from: string | undefined; readonly to: string | undefined }

export async function diffOfState(what: string, ends: Ends, options: Where): Promise<number> {
  const diff = await call<z.output<typeof StateDiff>>(readConfig(), `${at(what)}/diff`, {
    query: { ...query(options), ...ends },
  })
  if (options.json) outJson(diff)
  else outDiff(diff)
  return 0
}

function outDiff({ from, to, values, files, more }: z.output<typeof StateDiff>): void {
  out(`version ${from} → ${to}`)
  for (const { key, before, after } of values) {
    if (before !== null) out(`-${key}=${plain(before)}`)
    if (after !== null) out(`+${key}=${plain(after)}`)
  }
  for (const { path, change, kind, hunks, cut, before, after } of files) {
    out(`${change} ${plain(path)}`)
    if (kind !== 'text' || cut)
      out(`  ${kind === 'text' ? 'long' : kind}: ${before ?? 0} → ${after ?? 0} bytes`)
    for (const { before: old, after: now, lines } of hunks) {
      out(`@@ -${old} +${now} @@`)
      for (const line of lines) out(plain(line))
    }
  }
  if (values.length + files.length === 0) out('nothing differs')
  if (more > 0) note(`${more} more files differ`)
}

const headersOf = ({ ifVersion }: { readonly ifVersion?: string }): Record<string, string> =>
  ifVersion === undefined
    ? {}
    : ifVersion === '0'
      ? { 'if-none-match': '*' }
      : { 'if-match': `"${ifVersion}"` }

/** The leg as it was written. @throws {Ending} Where that is no JSON. */
function placeOf({ lane, leg }: Where) {
  if (leg === undefined) return { lane }
  try {
    return { lane, leg: JSON.parse(leg) as unknown }
  } catch (error) {
    throw new Ending(WRONG_USE, `--leg is no JSON such as {"node":"22"}: ${leg}`, { cause: error })
  }
}

async function change(what: string, body: object, options: Change): Promise<number> {
  const now = await call<Now>(readConfig(), at(what), {
    method: 'PATCH',
    body: { ...placeOf(options), reason: options.reason, ...body },
    headers: headersOf(options),
  })
  return told(what, now, options)
}

function told(what: string, now: Now, { json }: Json): number {
  if (json) outJson(now)
  else note(`${what} on ${now.lane} is at version ${now.version}`)
  return 0
}

export async function setKeys(
  what: string,
  pairs: readonly string[],
  options: Change & { readonly unset?: readonly string[]; readonly overwrite?: true },
): Promise<number> {
  const set = pairs.map((pair) => {
    const end = pair.indexOf('=')
    if (end < 1) throw new Ending(WRONG_USE, `\`${pair}\` sets nothing: write KEY=value`)
    return [pair.slice(0, end), pair.slice(end + 1)] as const
  })
  const { unset = [], overwrite = false } = options
  return change(what, { set: Object.fromEntries(set), unset, overwrite }, options)
}

export async function writeFile(what: string, path: string, options: Change): Promise<number> {
  const content = await buffer(process.stdin)
  return change(what, { write: [{ path, base64: content.toString('base64') }] }, options)
}

export const removeFiles = (what: string, paths: readonly string[], options: Change): Promise<number> =>
  change(what, { remove: paths }, options)

export async function restoreState(what: string, version: string, options: Change): Promise<number> {
  const now = await call<Now>(readConfig(), `${at(what)}/restore`, {
    method: 'POST',
    body: { ...placeOf(options), reason: options.reason, version: Number(version) },
    headers: headersOf(options),
  })
  return told(what, now, options)
}

type Counting = Json & { readonly lane?: string; readonly by?: number; readonly reason?: string }

/** Prints the number that came of it. */
export async function incrementKey(
  what: string,
  key: string,
  { json, by = 1, lane, reason }: Counting,
): Promise<number> {
  const now = await call<Now & { value: string }>(readConfig(), `${at(what)}/increment`, {
    method: 'POST',
    body: { key, by, lane, reason },
  })
  if (json) outJson(now)
  else out(now.value)
  return 0
}
