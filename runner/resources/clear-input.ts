import { EngineError, FOLDERS } from '../engine.ts'
import type { Place } from '../resources.ts'
import { quote } from '../shell.ts'

/** Remove what an earlier step fetched of the resource: the files of two versions do not mix. */
export async function clearInput(resource: string, { workspace, signal }: Place): Promise<void> {
  const path = `${FOLDERS.inputs}/${resource}`
  const there = await workspace.read(path, signal)
  if (!there) return
  there.on('error', () => {}) // it is not read
  there.destroy()
  const shell = await workspace.shell(null, signal)
  const commands = [`rm -rf ${quote(`${workspace.root}/${path}`)}`]
  const removing = shell.run({ commands, env: {} }, signal)
  let next = await removing.next()
  while (!next.done) next = await removing.next()
  const { exitCode } = next.value
  if (exitCode === 0) return
  throw new EngineError(
    'input_not_cleared',
    `What was fetched of \`${resource}\` before could not be removed: rm ended with ${exitCode}.`,
  )
}
