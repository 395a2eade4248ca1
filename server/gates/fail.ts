import type { RunError } from '#pipelines/wire/runner.ts'
import type { Tx } from '../db/transact.ts'
import type { LockedRun } from '../runs/lock-run.ts'
import { endAtGate } from '../runs/end-at-gate.ts'
import { closeGate, type GateRow } from './decide.ts'

type AtGate = { readonly run: LockedRun; readonly gate: GateRow }
type End = { readonly state: 'failed' | 'errored'; readonly error: RunError }

/** What the server did at a gate came to nothing good, and so does its run. */
export async function fail(tx: Tx, { run, gate }: AtGate, { state, error }: End): Promise<void> {
  await closeGate(tx, { run, gate }, 'failed')
  await endAtGate(tx, run, { state, error })
}
