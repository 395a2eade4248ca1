import type { z } from 'zod'
import type { VersionList } from '../lines/shapes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { memberAt } from './places.ts'
import { localTime, note, out, outJson, short, table } from './print.ts'

type Asked = { readonly json?: true; readonly lane?: string; readonly limit?: string }

/** The versions a resource had on a lane, newest first. */
export async function versions(resource: string, { json, ...query }: Asked): Promise<number> {
  const path = `${memberAt('resources', resource)}/versions`
  const list = await call<z.output<typeof VersionList>>(readConfig(), path, { query })
  if (json) outJson(list)
  else if (list.items.length === 0) note(`${resource} has no version on ${list.lane} yet`)
  else out(table(['VERSION', 'RECORDED', 'AUTHOR', 'TITLE', 'STANDING'], list.items.map(row)))
  return 0
}

type Item = z.output<typeof VersionList>['items'][number]
const row = (version: Item) => [
  short(version.name),
  localTime(version.created_at),
  version.author ?? '',
  version.title ?? '',
  standing(version),
]

const standing = ({ pinned, disabled, left, forced, used }: Item) =>
  [
    pinned && `pinned by ${pinned.by ?? 'somebody'}: ${pinned.reason}`,
    disabled && `disabled by ${disabled.by ?? 'somebody'}: ${disabled.reason}`,
    left && 'left behind by a force-push',
    forced && 'came by a force-push',
    !used && 'not used yet',
  ]
    .filter((words) => typeof words === 'string')
    .join('; ')
