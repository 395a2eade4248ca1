import type { z } from 'zod'
import type { Runner, RunnerEventList, RunnerList } from '../runners/shapes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { lasted, localTime, note, out, outJson, painted, plain, table } from './print.ts'

type Json = { readonly json?: true }
type AnyRunner = z.output<typeof Runner>
const at = (name: string) => `/api/v1/runners/${encodeURIComponent(name)}`

/** The runners that are here or were within a day. */
export async function listRunners({ json }: Json): Promise<number> {
  const config = readConfig()
  const list = await call<z.output<typeof RunnerList>>(config, '/api/v1/runners')
  if (json) outJson(list)
  else if (list.items.length === 0) note('no runner has connected within a day: start one with `takt runner`')
  else
    out(
      painted(
        table(['RUNNER', 'STATE', 'BUSY', 'SLOTS', 'LABELS', 'ENGINE', 'WHY'], list.items.map(row)),
        config,
      ),
    )
  return 0
}

const row = (runner: AnyRunner) => [
  runner.name,
  runner.state,
  `${runner.busy}/${runner.slots}`,
  runner.slots_least === runner.slots_most
    ? String(runner.slots_most)
    : `${runner.slots_least}-${runner.slots_most}`,
  Object.entries(runner.labels)
    .map(([label, value]) => (value === '' ? label : `${label}=${value}`))
    .join(' '),
  runner.words,
  whyOf(runner),
]

const whyOf = ({ mode, mode_by, mode_reason, trouble }: AnyRunner) =>
  [mode === 'active' ? null : `${mode} by ${mode_by ?? 'somebody'}`, mode_reason, trouble]
    .filter((words) => words !== null)
    .join(': ')

/** What has happened to a runner, the newest last. */
export async function runnerEvents(name: string, { json }: Json): Promise<number> {
  const events = await call<z.output<typeof RunnerEventList>>(readConfig(), `${at(name)}/events`)
  if (json) outJson(events)
  else for (const event of events.items.toReversed()) out(`${localTime(event.at)}  ${plain(event.words)}`)
  return 0
}

type Act = 'pause' | 'resume' | 'drain' | 'reset'

/** Tell a runner what to do. */
export async function steer(
  act: Act,
  name: string,
  { json, reason }: Json & { readonly reason?: string },
): Promise<number> {
  const body = reason === undefined ? {} : { reason }
  const runner = await call<AnyRunner>(readConfig(), `${at(name)}/${act}`, { method: 'POST', body })
  if (json) outJson(runner)
  else note(`runner ${name} is ${runner.state}${goingOn(runner)}`)
  return 0
}

const goingOn = ({ runs }: AnyRunner) =>
  runs.length === 0
    ? ''
    : `; it carries ${runs.map((run) => `run ${run.id} (${lasted(run.started_at, null)})`).join(', ')}`
