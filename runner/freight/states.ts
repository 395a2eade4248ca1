import { ARCHIVE_BOUNDS } from '#pipelines/wire/archive.ts'
import { FOLDERS } from '../engine.ts'
import type { Ending, Load } from './load.ts'
import { inBytes } from './in-bytes.ts'
import { sendFiles } from './send-files.ts'
import { unpackInto } from './unpack-into.ts'

/** What the job's last run left in `$TAKT_STATE`, and what those of the jobs it needs left. */
export async function bringStates(load: Load): Promise<void> {
  const { job, statesLeft } = load.work.plan
  for (const left of statesLeft) {
    if (left === job) await unpackInto(load, { from: 'state', to: FOLDERS.state })
    else {
      const to = `${FOLDERS.states}/${left}`
      await unpackInto(load, { from: `states/${encodeURIComponent(left)}`, to })
    }
  }
}

/** The folder as the run left it, also when it emptied what it had found there. */
export async function leaveState(load: Load, { stateTouched }: Ending): Promise<void> {
  const { job, statesLeft } = load.work.plan
  if (!stateTouched && !statesLeft.includes(job)) return
  const { files, bytes } = await sendFiles(load, {
    folder: FOLDERS.state,
    roots: [''],
    matches: () => true,
    bounds: ARCHIVE_BOUNDS.state,
    words: 'What the job left in $TAKT_STATE',
    to: 'state',
  })
  await load.say(`State: ${files} files, ${inBytes(bytes)}\n`)
}
