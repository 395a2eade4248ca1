import { z } from 'zod'
import type {
  DeliveryId,
  FiringId,
  GateId,
  NoticeMessageId,
  RevisionId,
  RunId,
  RunnerId,
  StatusId,
  TerminalId,
  VersionId,
} from '../ids.ts'
import { GATE_STATES, PULL_HEAD_STATES, RUN_STATES } from '../states.ts'

const id = <Id extends number>() =>
  z
    .number()
    .int()
    .positive()
    .transform((value) => value as Id)
const state = z.enum(RUN_STATES)
const where = { project: z.string(), pipeline: z.string() }

/**
 * Facts the house announces, in the past tense.
 *
 * Each carries ids and the names of its place, and nothing else: a reader that wants more asks for it.
 */
export const TaktEvent = z.discriminatedUnion('kind', [
  /** A delivery was stored, before anything became of it. */
  z.object({ kind: z.literal('delivery.received'), delivery: id<DeliveryId>() }),
  /** What became of a delivery is known. */
  z.object({
    kind: z.literal('delivery.processed'),
    delivery: id<DeliveryId>(),
    project: z.string().nullable(),
  }),
  z.object({ kind: z.literal('project.added'), project: z.string() }),
  /** A pipeline file was read at a commit; `valid` says whether it became the active revision of its lane. */
  z.object({
    kind: z.literal('revision.synced'),
    ...where,
    lane: z.string(),
    revision: id<RevisionId>(),
    valid: z.boolean(),
  }),
  /** A resource gained a version, newest or not. */
  z.object({
    kind: z.literal('version.recorded'),
    ...where,
    lane: z.string(),
    resource: z.string(),
    version: id<VersionId>(),
  }),
  /** What is known of a resource's checks changed: they began to fail, or to work again. */
  z.object({ kind: z.literal('resource.checked'), ...where, resource: z.string() }),
  /** A time of a schedule started nothing, or stands for others that passed while no server was there. */
  z.object({ kind: z.literal('schedule.missed'), ...where, resource: z.string(), firing: id<FiringId>() }),
  /** A lane's branch, tag or pull request is gone. */
  z.object({ kind: z.literal('lane.closed'), ...where, lane: z.string() }),
  /** What a job waits for on a lane changed. */
  z.object({ kind: z.literal('job.planned'), ...where, lane: z.string(), job: z.string() }),
  /** Somebody paused a pipeline, or a job or a resource of it, or let it go on. */
  z.object({ kind: z.literal('pause.changed'), ...where }),
  /** Somebody began or ended the maintenance of the whole server. */
  z.object({ kind: z.literal('maintenance.changed') }),
  /** A run changed state; `from` is null when the run was just created. */
  z.object({
    kind: z.literal('run.moved'),
    ...where,
    lane: z.string(),
    job: z.string(),
    run: id<RunId>(),
    from: state.nullable(),
    to: state,
  }),
  /** A step or a command of a run began or ended, or its cancelling was asked for. */
  z.object({ kind: z.literal('run.progressed'), ...where, run: id<RunId>() }),
  /** No runner has taken a run for long, and it waits for nothing else. */
  z.object({ kind: z.literal('run.late'), ...where, run: id<RunId>() }),
  /** A run waits at a gate. */
  z.object({ kind: z.literal('gate.opened'), ...where, run: id<RunId>(), gate: id<GateId>() }),
  /** Somebody decided at a gate, or its time came; `state` is `waiting` where more of them must. */
  z.object({
    kind: z.literal('gate.decided'),
    ...where,
    run: id<RunId>(),
    gate: id<GateId>(),
    state: z.enum(GATE_STATES),
  }),
  /** The head of a fork's pull request waits for somebody's word, was decided on, or waits no more. */
  z.object({
    kind: z.literal('pull.moved'),
    project: z.string(),
    number: z.number().int().positive(),
    state: z.enum(PULL_HEAD_STATES),
  }),
  /** Somebody wants a forge told once more how a commit stands. */
  z.object({ kind: z.literal('status.requested'), project: z.string(), status: id<StatusId>() }),
  /** A stream of others is read, or is not any more; or it handed out what is a dead letter. */
  z.object({ kind: z.literal('source.changed'), project: z.string(), source: z.string() }),
  /** A forge took a status, or did not. */
  z.object({ kind: z.literal('status.told'), project: z.string(), status: id<StatusId>() }),
  /** Somebody opened a terminal in a run's container. */
  z.object({
    kind: z.literal('terminal.opened'),
    ...where,
    run: id<RunId>(),
    terminal: id<TerminalId>(),
    user: z.string(),
  }),
  /** It is closed again, for whatever reason. */
  z.object({
    kind: z.literal('terminal.closed'),
    ...where,
    run: id<RunId>(),
    terminal: id<TerminalId>(),
    user: z.string(),
    lastedMs: z.number().int().min(0),
  }),
  /** What a job remembers on a lane has a new version. */
  z.object({ kind: z.literal('state.changed'), ...where, lane: z.string(), job: z.string() }),
  /** A value of a project was set or removed. */
  z.object({ kind: z.literal('value.changed'), project: z.string(), key: z.string() }),
  /** A notice arrived, did not, or is to be sent. */
  z.object({ kind: z.literal('notice.changed'), ...where, notice: id<NoticeMessageId>() }),
  /** Somebody may more or less than before: whoever watches is asked about again. */
  z.object({ kind: z.literal('access.changed') }),
  /** A runner came, went, or changed its mind about how much it takes. */
  z.object({ kind: z.literal('runner.changed'), runner: id<RunnerId>() }),
])
export type TaktEvent = z.output<typeof TaktEvent>
