import { Readable } from 'node:stream'
import tar from 'tar-fs'
import type { Get } from '#pipelines/wire/plan.ts'
import type { Checkouts } from '../../checkout.ts'
import { FOLDERS } from '../../engine.ts'
import type { Fields, Place } from '../../resources.ts'
import { clearInput } from '../clear-input.ts'

/** Put another repository's commit beside the working directory, fetched as the checkout is. */
export async function getGit(
  checkouts: Checkouts,
  { resource, checkout }: Extract<Get, { kind: 'git' }>,
  { work, workspace, signal, write }: Place,
): Promise<Fields> {
  const say = async (text: string) => write(Buffer.from(text))
  await using scratch = checkouts.scratch({ ...work.plan, checkout })
  await checkouts.materialise({ ...work.plan, checkout }, scratch.path, { signal, say })
  await clearInput(resource, { work, workspace, signal, write })
  const root = { uid: 0, gid: 0 }
  const packed = tar.pack(scratch.path, {
    map: (header) => ({
      ...header,
      ...root,
      name: header.name === '.' ? resource : `${resource}/${header.name}`,
    }),
  })
  await workspace.write(FOLDERS.inputs, Readable.from(packed, { objectMode: false }), signal)
  return {}
}
