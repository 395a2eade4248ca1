import type { z } from 'zod'
import type { Run, RunList, RunSummary } from '../runs/shapes.ts'
import { call } from './call.ts'
import { readConfig } from './config.ts'
import { lasted, localTime, note, out, outJson, painted, plain, section, short, table } from './print.ts'

export type RunFilter = {
  readonly project?: string
  readonly pipeline?: string
  readonly job?: string
  readonly lane?: string
  readonly state?: string
  readonly limit?: string
  readonly json?: true
}

export async function listRuns({ json, ...query }: RunFilter): Promise<number> {
  const config = readConfig()
  const list = await call<z.output<typeof RunList>>(config, '/api/v1/runs', { query })
  if (json) outJson(list)
  else if (list.items.length === 0) note('there are no such runs')
  else
    out(
      painted(
        table(['RUN', 'STATE', 'JOB', 'LANE', 'VERSIONS', 'CREATED', 'LASTED'], list.items.map(row)),
        config,
      ),
    )
  return 0
}

const row = (run: z.output<typeof RunSummary>) => [
  String(run.id),
  run.state,
  `${run.project}/${run.pipeline}/${run.job}${legOf(run)}`,
  run.lane,
  run.inputs.map(({ version }) => short(version)).join(' '),
  localTime(run.created_at),
  lasted(run.started_at, run.ended_at),
]

/** The values of a matrix's leg, after the job's name. */
const legOf = ({ matrix }: Pick<z.output<typeof RunSummary>, 'matrix'>) =>
  matrix ? ` (${plain(Object.values(matrix).join(', '))})` : ''

export async function showRun(id: number, { json }: { json?: true }): Promise<number> {
  const config = readConfig()
  const run = await call<z.output<typeof Run>>(config, `/api/v1/runs/${id}`)
  if (json) outJson(run)
  else out(painted(described(run), config))
  return 0
}

/** Of the machine, as far as that could be told. */
function took(usage: z.output<typeof Run>['usage']): string {
  const memory = usage?.peak_memory_bytes ?? null
  const cpu = usage?.cpu_ms ?? null
  return [
    ...(memory === null ? [] : [`${(memory / 2 ** 20).toFixed(1)} MiB of memory at most`]),
    ...(cpu === null ? [] : [`${(cpu / 1_000).toFixed(1)} s of a processor`]),
  ].join(', ')
}

function described(run: z.output<typeof Run>): string {
  const where = `${run.project}/${run.pipeline}/${run.job}${legOf(run)}`
  const isolation = run.isolated === false ? ' (no isolation)' : ''
  const facts = [
    ['lane', run.lane],
    ['reason', run.reason],
    ['held', run.held ?? ''],
    ['attempt', run.attempt > 1 ? `${run.attempt} of ${Math.max(run.attempt, run.attempts)}` : ''],
    ['created', localTime(run.created_at)],
    ['lasted', lasted(run.started_at, run.ended_at)],
    ['took', took(run.usage)],
    ['runner', run.runner === null ? '' : run.runner + isolation],
    ['error', run.error === null ? '' : `${run.error.message} (${run.error.code})`],
    ['retry of', run.retry_of === null ? '' : `run ${run.retry_of}`],
    ['restorable', run.checkpoints.map(({ name }) => name).join(', ')],
    ['cancelling', run.cancel_requested ? 'was asked for' : ''],
    ['woke', run.downstream.length === 0 ? '' : `run ${run.downstream.join(', ')}`],
  ].filter(([, value]) => value !== '')
  const lines = facts.map(([name = '', value = '']) => `  ${name.padEnd(10)}  ${plain(value)}`)
  return [
    `run ${run.id}  ${where} #${run.number}  ${run.state}`,
    ...lines,
    ...section(
      'earlier attempts',
      run.earlier.map(({ reason, runner }) => plain(runner === null ? reason : `${reason}  on ${runner}`)),
    ),
    ...section(
      'warned of by policies',
      run.warnings.map(({ rule, words }) => plain(`${words} (${rule})`)),
    ),
    ...inputs(run),
    ...outputs(run),
    ...section('images that ran', run.images.map(ranImage)),
    ...steps(run),
  ].join('\n')
}

/** By its digest, or by the number that the engine knows it by where it was never in a registry. */
const ranImage = ({ image, id, digests }: z.output<typeof Run>['images'][number]) =>
  plain(`${image}  ${digests[0] ?? id}`)

const inputs = (run: z.output<typeof Run>) =>
  section(
    'inputs',
    run.inputs.map(({ resource, version, title, author, from_run }) => {
      const words = [
        title,
        author === null ? null : `by ${author}`,
        from_run === null ? null : `from run ${from_run}`,
      ]
      return [resource, short(version), ...words.filter((word) => word !== null)].map(plain).join('  ')
    }),
  )

const outputs = (run: z.output<typeof Run>) =>
  section(
    'outputs',
    Object.entries(run.outputs).map(([name, value]) => plain(`${name}  ${value}`)),
  )

const steps = (run: z.output<typeof Run>) =>
  section(
    'steps',
    run.steps.flatMap((step) => [
      plain(
        `${step.state.padEnd(9)}  ${step.name}${ended(step.exit_code)}  ${lasted(step.started_at, step.ended_at)}`,
      ).trimEnd(),
      ...step.commands.map((command) => {
        const text = plain(command.text.split('\n')[0] ?? '')
        return `    ${command.state.padEnd(9)}  ${text}${ended(command.exit_code)}`
      }),
    ]),
  )

const ended = (exitCode: number | null) =>
  exitCode === null || exitCode === 0 ? '' : ` (exit code ${exitCode})`
