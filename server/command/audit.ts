import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { z } from 'zod'
import type { OrganizationId, UserId } from '#pipelines/ids.ts'
import { AuditEntry, type AuditList } from '../audit/shapes.ts'
import { flawOf, START, type Verdict, verdict } from '../audit/verify.ts'
import { call, send } from './call.ts'
import { readConfig } from './config.ts'
import { Ending, RED, WRONG_USE } from './ending.ts'
import { localTime, note, out, outJson, table } from './print.ts'

type Json = { readonly json?: true }
export type Wanted = {
  readonly actor?: string
  readonly action?: string
  readonly project?: string
  readonly organization?: string
  readonly outcome?: string
  readonly since?: string
  readonly until?: string
}

/** The newest entries of the audit log, newest first. */
export async function listAudit({ json, ...query }: Wanted & Json & { limit?: string }): Promise<number> {
  const list = await call<z.output<typeof AuditList>>(readConfig(), '/api/v1/audit', { query })
  if (json) outJson(list)
  else if (list.items.length === 0) note('no such entries')
  else out(table(['ENTRY', 'TIME', 'WHO', 'DID', 'TO', 'OUTCOME', 'WHY'], list.items.map(row)))
  return 0
}

const row = ({ id, at, actor, action, target, outcome, reason, count }: AuditEntry) => [
  ...[String(id), localTime(at), actor, action, target],
  count > 1 ? `${outcome} (${count} times)` : outcome,
  reason ?? '',
]

/** All entries that are wanted, to standard output. */
export async function exportAudit({ format, ...query }: Wanted & { format?: string }): Promise<number> {
  const { body } = await send(readConfig(), '/api/v1/audit/export', {
    query: { ...query, format },
    accept: '*/*',
  })
  if (body) await pipeline(Readable.from(body), process.stdout, { end: false })
  return 0
}

/** Whether every entry is as it was written: of the server's log, or, far from it, of one that was exported whole. */
export async function verifyAudit({ file, json }: Json & { file?: string }): Promise<number> {
  const found =
    file === undefined ? await call<Verdict>(readConfig(), '/api/v1/audit/verify') : await verifyFile(file)
  const { entries, head, broken } = found
  if (json) outJson(found)
  else if (broken) note(`entry ${broken.id} does not hold: ${broken.why}; ${entries} before it do`)
  else out(`${entries} entries hold; the last is ${head.id}, with the hash ${head.hash}`)
  return broken ? RED : 0
}

async function verifyFile(file: string): Promise<Verdict> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })
  let end = START
  try {
    for await (const line of lines) {
      const entry = entryIn(line, { file, after: end.id })
      const why = flawOf(end, entry)
      if (why !== null) return verdict(end, { id: entry.id, why })
      end = { id: entry.id, hash: entry.hash }
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      throw new Ending(WRONG_USE, `${file} cannot be read: ${error.message}`, { cause: error })
    throw error
  }
  return verdict(end, null)
}

function entryIn(line: string, { file, after }: { file: string; after: number }) {
  const entry = parsed(line)
  if (!entry)
    throw new Ending(
      WRONG_USE,
      `${file}: behind entry ${after} there is a line that is no entry; export it with \`takt audit export\``,
    )
  const bytes = (hex: string) => Buffer.from(hex, 'hex')
  return {
    ...entry,
    actor_id: entry.actor_id as UserId | null,
    organization_id: entry.organization_id as OrganizationId | null,
    ...{ at: new Date(entry.at), previous: bytes(entry.previous), hash: bytes(entry.hash) },
  }
}

function parsed(line: string): AuditEntry | null {
  try {
    const read = AuditEntry.safeParse(JSON.parse(line))
    return read.success ? read.data : null
  } catch {
    return null // not JSON: said above
  }
}
