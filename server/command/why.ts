import type { z } from 'zod'
import type { Trigger, Why } from '../scheduler/shapes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { memberAt } from './places.ts'
import { localTime, out, outJson, painted, plain, section, short, table } from './print.ts'

/** Why a job does not run on a lane, and what became of everything that could have started it. */
export async function why(
  job: string,
  { json, lane }: { readonly json?: true; readonly lane?: string },
): Promise<number> {
  const config = readConfig()
  const answer = await call<z.output<typeof Why>>(config, `${memberAt('jobs', job)}/why`, { query: { lane } })
  if (json) outJson(answer)
  else out(painted(described(job, answer), config))
  return 0
}

function described(job: string, { lane, waits, paused, gathered, held, triggers }: z.output<typeof Why>) {
  const stopped = paused ? [`paused by ${paused.by ?? 'somebody'}: ${paused.reason}`] : []
  // The planner's own words say it, too, where the lane's file has the job.
  const words = [...new Set([...stopped, ...waits])]
  const nothing = words.length + gathered.length + held.length === 0
  return [
    `${job} on ${plain(lane)}`,
    ...(nothing ? ['  waits for nothing'] : []),
    ...words.map((each) => `  ${plain(each)}`),
    ...section(
      'gathered',
      gathered.map((each) => plain(`${factOf(each)}  ${each.reason ?? ''}`)),
    ),
    ...section(
      'held',
      held.map(({ run, reason }) => plain(`run ${run}  ${reason}`)),
    ),
    ...(triggers.length === 0
      ? []
      : ['', table(['AT', 'TRIGGER', 'BECAME', 'BECAUSE'], triggers.map(triggerRow))]),
  ].join('\n')
}

const triggerRow = (trigger: z.output<typeof Trigger>) => [
  localTime(trigger.at),
  factOf(trigger),
  trigger.run === null ? trigger.fate : `run ${trigger.run}`,
  trigger.reason ?? '',
]

function factOf({ kind, edge, version, from_run }: z.output<typeof Trigger>): string {
  if (kind === 'version') return `${edge} ${short(version ?? '')}`
  return kind === 'ending' ? `${edge} ended in run ${from_run ?? '?'}` : edge
}
