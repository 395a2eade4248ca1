import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { call, send } from './call.ts'
import { readConfig } from './config.ts'
import { localTime, note, out, outJson, table } from './print.ts'

type Asked = { readonly json?: true }
type Item = {
  readonly name: string
  readonly files: number
  readonly bytes: number
  readonly expires_at: string | null
  readonly expired: boolean
}

const at = (run: number) => `/api/v1/runs/${run}/artifacts`

/** What a run kept for others. */
export async function listArtifacts(run: number, { json }: Asked): Promise<number> {
  const list = await call<{ readonly items: readonly Item[] }>(readConfig(), at(run))
  if (json) outJson(list)
  else if (list.items.length === 0) note(`run ${run} kept nothing: say what with \`keep:\` in its job`)
  else out(table(['ARTIFACT', 'FILES', 'BYTES', 'KEPT UNTIL'], list.items.map(row)))
  return 0
}

const row = ({ name, files, bytes, expires_at, expired }: Item) => [
  name,
  String(files),
  String(bytes),
  expired ? 'expired' : expires_at ? localTime(expires_at) : 'the next ones replace it',
]

/** Write an artifact, or one file of it, to a file of this machine, or to standard output as `-`. */
export async function getArtifact(
  run: number,
  { name, file, output }: { readonly name: string; readonly file?: string; readonly output?: string },
): Promise<number> {
  const path = file?.split('/').map(encodeURIComponent).join('/')
  const address = path === undefined ? `${at(run)}/${name}.tar.gz` : `${at(run)}/${name}/files/${path}`
  const { body } = await send(readConfig(), address, { accept: '*/*' })
  if (!body) return 0
  const target = output ?? (file?.split('/').at(-1) || `run-${run}-${name}.tar.gz`)
  const content = Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0])
  if (target === '-') await pipeline(content, process.stdout, { end: false })
  else {
    await pipeline(content, createWriteStream(target, { flags: 'wx' }))
    note(`${target} written`)
  }
  return 0
}
