import { ARCHIVE_BOUNDS } from '#pipelines/wire/archive.ts'
import { FOLDERS, StepFailed } from '../engine.ts'
import type { Ending, Load } from './load.ts'
import { inBytes } from './in-bytes.ts'
import { selectionOf } from './patterns.ts'
import { sendFiles } from './send-files.ts'
import { unpackInto } from './unpack-into.ts'

/** The files of the jobs that this one needs, into the working directory, in the order of the needs. */
export async function bringKept(load: Load): Promise<void> {
  for (const { job, run } of load.work.plan.keptBy) {
    await unpackInto(load, { from: `kept/${run}`, to: FOLDERS.work })
    await load.say(`Files of ${job} (run ${run})\n`)
  }
}

/**
 * What the job keeps, also of a run that failed: there may be what tells why.
 *
 * @throws {StepFailed} Where a run that succeeded has nothing of what it is to keep.
 */
export async function keepFiles(load: Load, { ended }: Ending): Promise<void> {
  const { keep } = load.work.plan
  if (keep === null || ended === 'cancelled') return
  const selection = selectionOf(keep)
  const words = `What the job keeps (${keep.join(', ')})`
  const { files, bytes } = await sendFiles(load, {
    ...selection,
    folder: FOLDERS.work,
    bounds: ARCHIVE_BOUNDS.kept,
    words,
    to: 'kept',
  })
  if (files === 0 && ended === 'succeeded')
    throw new StepFailed(1, `${words} is not there: make it, or take \`keep\` out of the job.`)
  await load.say(`Kept ${files} files, ${inBytes(bytes)}\n`)
}
