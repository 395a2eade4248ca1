import type { z } from 'zod'
import type { Environment, Notice, Operation } from '../pipeline.ts'
import type { PipelineFile } from '../schema.ts'
import type { Environment as WrittenEnvironment } from '../shape/environments.ts'
import { listed, type Note } from './forms-of-writing.ts'
import { formOf } from './steps.ts'

export const environmentsOf = (written: PipelineFile['environments'], note: Note): Environment[] =>
  Object.entries(written ?? {}).map(([name, body]) =>
    note(environmentOf(name, body), { path: ['environments', name], at: 'key' }),
  )

function environmentOf(name: string, body: z.output<typeof WrittenEnvironment>): Environment {
  const { protect, timezone = 'UTC', lifecycle = {} } = body
  return {
    name,
    protect: protect ? { approvals: protect.approvals ?? 1, by: listed(protect.by) } : null,
    freeze: listed(body.freeze),
    timezone,
    ...lifecycleOf(lifecycle, timezone),
    onDrift: body.on_drift ?? 'alert',
    per: body.per ?? null,
    ttlMs: body.ttl ?? null,
    max: body.max ?? null,
  }
}

type Lifecycle = NonNullable<z.output<typeof WrittenEnvironment>['lifecycle']>
type Lived = Pick<Environment, 'create' | 'modify' | 'validate' | 'reconcile' | 'terminate'>

function lifecycleOf(written: Lifecycle, timezone: string): Lived {
  const { validate } = written
  const { schedule = null, timezone: own = timezone } = detailsOf(validate)
  return {
    create: operationOf(written.create),
    modify: Object.entries(written.modify ?? {}).map(([name, body]) => {
      const { on, state = 'active' } = detailsOf(body)
      return { name, ...operation(body), on: listed(on), state }
    }),
    validate: validate === undefined ? null : { ...operation(validate), schedule, timezone: own },
    reconcile: operationOf(written.reconcile),
    terminate: operationOf(written.terminate),
  }
}

/** What the long form of an operation says besides its job. */
const detailsOf = <Long extends object>(written: string | Long | undefined): Partial<Long> =>
  typeof written === 'object' ? written : {}

type WrittenOperation = NonNullable<Lifecycle['create']>
const operationOf = (written: WrittenOperation | undefined): Operation | null =>
  written === undefined ? null : operation(written)
const operation = (written: WrittenOperation): Operation =>
  typeof written === 'string' ? { job: written, form: [] } : { job: written.job, form: formOf(written.form) }

const CHANNELS = ['slack', 'email', 'webhook'] as const

export const noticesOf = (written: PipelineFile['notify'], note: Note): Notice[] =>
  CHANNELS.flatMap((channel) => {
    const several = Array.isArray(written?.[channel])
    return listed(written?.[channel]).map(({ to, when, jobs, lanes, text, login }, index) => {
      const path = ['notify', channel, ...(several ? [index] : [])]
      const notice = {
        channel,
        to: listed(to),
        when: when ? listed(when) : DEFAULT_NOTICES,
        jobs: listed(jobs),
        lanes: listed(lanes),
        text: text ?? null,
      }
      return note<Notice>({ ...notice, login: login ?? null }, { path, at: 'value' })
    })
  })

const DEFAULT_NOTICES = ['failure', 'fixed'] as const
