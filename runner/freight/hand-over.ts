import { ARCHIVE_BOUNDS } from '#pipelines/wire/archive.ts'
import { CONTENTS } from '../engine.ts'
import type { HandingOver } from '../freight.ts'
import { inBytes } from './in-bytes.ts'
import type { Load } from './load.ts'
import { sendFiles } from './send-files.ts'
import { unpackAs } from './unpack-into.ts'

/** The workspace with all that is in it to the server, packed while it is sent. */
export async function handOver(
  load: Load,
  { position, checkpoint }: Pick<HandingOver, 'position' | 'checkpoint'>,
): Promise<void> {
  const name = checkpoint === null ? '' : `?checkpoint=${encodeURIComponent(checkpoint)}`
  const { files, bytes } = await sendFiles(load, {
    folder: '',
    roots: CONTENTS,
    matches: () => true,
    whole: true,
    bounds: ARCHIVE_BOUNDS.workspace,
    words: 'The workspace',
    to: `handovers/${position}${name}`,
  })
  const done = checkpoint === null ? 'Handed over' : `Kept as ${checkpoint}:`
  await load.say(`${done} ${files} files, ${inBytes(bytes)}\n`)
}

/** What the part of the run before this one handed over, into the workspace of this one. */
export async function bringBack(load: Load): Promise<void> {
  const { workspace, signal, say } = load
  await unpackAs(load, 'handover', (tar) => workspace.restore(tar, signal))
  await say('The workspace is as the steps before left it\n')
}
