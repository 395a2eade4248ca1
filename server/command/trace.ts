import type { z } from 'zod'
import type { Trace } from '../lines/shapes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { localTime, out, outJson, painted, plain, section, short, table } from './print.ts'

type Traced = z.output<typeof Trace>

/** How far a commit got: which jobs took it, what came of it, and which environments have it. */
export async function trace(
  project: string,
  commit: string,
  { json }: { readonly json?: true },
): Promise<number> {
  const config = readConfig()
  const path = `/api/v1/projects/${encodeURIComponent(project)}/trace`
  const traced = await call<Traced>(config, path, { query: { version: commit } })
  if (json) outJson(traced)
  else out(painted(described(traced), config))
  return 0
}

const described = ({ version, title, author, environments, lines }: Traced) =>
  [
    plain(
      [version, title, author === null ? null : `by ${author}`].filter((part) => part !== null).join('  '),
    ),
    ...section(
      'environments',
      environments.map(({ name, state, run, since }) =>
        plain(`${name}: ${state} since ${localTime(since)} (run ${run})`),
      ),
    ),
    ...lines.flatMap(lineOf),
  ].join('\n')

const lineOf = ({ pipeline, lane, resource, newest, left, disabled, jobs }: Traced['lines'][number]) => {
  const standing = [
    newest ? 'the newest' : null,
    left ? 'left behind by a force-push' : null,
    disabled ? `disabled by ${disabled.by ?? 'somebody'}: ${disabled.reason}` : null,
  ].filter((words) => words !== null)
  return [
    '',
    plain(`${pipeline} on ${lane}, as ${[resource, ...standing].join('; ')}`),
    table(['  JOB', 'STATE', 'RUN', 'ENDED', 'PUT'], jobs.map(jobRow)),
  ]
}

const jobRow = ({ job, run }: Traced['lines'][number]['jobs'][number]) =>
  run === null
    ? [`  ${job}`, 'not yet']
    : [
        `  ${job}`,
        run.state,
        String(run.id),
        run.ended_at === null ? '' : localTime(run.ended_at),
        run.outputs.map(({ resource, version }) => `${resource} ${short(version)}`).join(', '),
      ]
