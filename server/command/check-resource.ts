import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import type { ResourceView } from '../checks/routes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { memberAt } from './places.ts'
import { note, outJson, plainLines } from './print.ts'

type View = z.output<typeof ResourceView>
const LOOK_MS = 250
/** After that the check goes on, and whoever wants to know looks at the resource. */
const PATIENCE_MS = 60_000

/** Look for new versions now, and wait for the answer. @returns 1 where it is none. */
export async function checkResource(resource: string, { json }: { readonly json?: true }): Promise<number> {
  const path = memberAt('resources', resource)
  const config = readConfig()
  const before = await call<View>(config, path)
  let now = await call<View>(config, `${path}/check`, { method: 'POST' })
  const since = performance.now()
  while (isOpen(now, before) && !now.check?.waits && performance.now() - since < PATIENCE_MS) {
    await sleep(LOOK_MS)
    now = await call<View>(config, path)
  }
  if (json) outJson(now)
  else note(plainLines(wordsOf(now, before)))
  return now.check?.error ? 1 : 0
}

const isOpen = (now: View, before: View): boolean =>
  now.check !== null && now.check.checked_at === before.check?.checked_at

function wordsOf(now: View, before: View): string {
  const { check, name } = now
  if (check?.waits) return `${name}: ${check.waits}`
  if (isOpen(now, before)) return `${name} is still being checked`
  return check?.error
    ? `${name}: ${check.error.message}`
    : `${name} was checked: takt versions shows what there is`
}
