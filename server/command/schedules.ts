import type { z } from 'zod'
import type { FiringList, Schedule, ScheduleList } from '../schedules/shapes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { memberAt } from './places.ts'
import { lasted, localTime, note, out, outJson, painted, plain, section, table } from './print.ts'

type Json = { readonly json?: true }
type AnySchedule = z.output<typeof Schedule>
type AnyFiring = AnySchedule['last'][number]

/** What comes by the clock, each with its next time. */
export async function listSchedules({
  json,
  project,
}: Json & { readonly project?: string }): Promise<number> {
  const config = readConfig()
  const list = await call<z.output<typeof ScheduleList>>(config, '/api/v1/schedules', {
    query: { limit: '100', project },
  })
  if (json) outJson(list)
  else if (list.items.length === 0) note('no schedules: a `time` resource that a job gets is one')
  else {
    out(painted(table(['SCHEDULE', 'WHEN', 'ZONE', 'NEXT (HERE)', 'LAST'], list.items.map(row)), config))
    if (list.next !== null) note('there are more: ask for one project with --project')
  }
  return 0
}

const placeOf = ({ project, pipeline, name }: AnySchedule) => `${project}/${pipeline}/${name}`
const row = (schedule: AnySchedule): string[] => {
  const [next] = schedule.next
  const [last] = schedule.last
  return [
    ...[placeOf(schedule), schedule.schedule, schedule.timezone],
    schedule.paused ? 'paused' : next ? localTime(next.at) : '-',
    last ? `${last.fate} ${localTime(last.due_at)}` : '-',
  ]
}

/** One schedule: when it comes next, there and here, and what became of the times that came. */
export async function showSchedule(name: string, { json }: Json): Promise<number> {
  const path = memberAt('schedules', name)
  const config = readConfig()
  const schedule = await call<AnySchedule>(config, path)
  const { items } = await call<z.output<typeof FiringList>>(config, `${path}/firings`, {
    query: { limit: '20' },
  })
  if (json) outJson({ ...schedule, last: items })
  else out(painted(words(schedule, items).map(plain).join('\n'), config))
  return 0
}

function words(schedule: AnySchedule, firings: readonly AnyFiring[]): string[] {
  const { timezone, misfire, overlap, jitter_ms, jobs, paused } = schedule
  const jitter = jitter_ms > 0 ? `, jitter ${jitter_ms / 1_000}s` : ''
  return [
    `${placeOf(schedule)}: ${schedule.schedule} in ${timezone} (misfire ${misfire}, overlap ${overlap}${jitter})`,
    `starts ${jobs.join(', ') || 'nothing'}`,
    ...(paused ? [`paused by ${paused.by} on ${localTime(paused.at)}: ${paused.reason}`] : []),
    ...section(
      'next',
      schedule.next.map(({ at, there }) => `${there} ${timezone}  ${localTime(at)} here`),
    ),
    ...section('came', firings.map(came)),
  ]
}

function came({ due_at, lag_ms, fate, reason, missed, by, runs }: AnyFiring): string {
  const late = lasted(due_at, new Date(Date.parse(due_at) + lag_ms).toISOString())
  const started = runs.map(({ id, job, state }) => `run ${id} of ${job} ${state}`).join(', ')
  const more = [
    reason,
    by === null ? null : `by ${by}`,
    missed > 0 ? `${missed} before it were missed` : null,
  ]
  const said = [`${fate} ${late} later`, ...more.filter((each) => each !== null), started].filter(Boolean)
  return `${localTime(due_at)}  ${said.join('; ')}`
}

/** Let none of its times start anything. */
export const pause = (name: string, { reason, json }: Json & { readonly reason: string }): Promise<number> =>
  act(name, 'pause', { ...(json ? { json } : {}), body: { reason }, done: 'is paused' })

/** Go on with the time that comes next. */
export const resume = (name: string, { json }: Json): Promise<number> =>
  act(name, 'resume', { json, done: 'goes on' })

/** Let a time come now. */
export const fire = (name: string, { json }: Json): Promise<number> =>
  act(name, 'fire', { json, done: 'has come: takt schedules show tells what it started' })

type Act = Json & { readonly body?: object; readonly done: string }

async function act(name: string, verb: string, { json, body, done }: Act): Promise<number> {
  const path = `${memberAt('schedules', name)}/${verb}`
  const schedule = await call<AnySchedule>(readConfig(), path, { method: 'POST', ...(body ? { body } : {}) })
  if (json) outJson(schedule)
  else note(`${placeOf(schedule)} ${done}`)
  return 0
}
