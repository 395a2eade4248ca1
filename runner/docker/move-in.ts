import { access, readdir, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Where it exists, files carry labels that say which container may read them, and moving would keep the wrong ones. */
const SELINUX = '/sys/fs/selinux/enforce'

/**
 * Move the files of `from` into a volume that this machine's engine keeps as a plain folder: much faster than to send them.
 *
 * That folder may be mounted in a running container already, whose image nobody vouches for. So nothing is written through its
 * folders: whole entries are renamed to names directly under the volume's root, which the container cannot replace.
 *
 * @returns Whether all of them are there. Else (another machine's engine, another file system, another user) what is left in
 *   `from` still has to be sent.
 */
export async function moveIn(from: string, volume: string): Promise<boolean> {
  if (process.getuid?.() !== 0 || (await exists(SELINUX)) || !(await isRoots(volume))) return false
  try {
    for (const name of await readdir(from)) await rename(join(from, name), join(volume, name))
    return true
  } catch {
    return false // another file system, or the image put something in the way: sending finds a way or says why not
  }
}

/** A folder of this machine's root; under a user namespace it is another user's, and the files would be nobody's. */
const isRoots = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory() && found.uid === 0,
    () => false, // the engine is on another machine, or keeps its volumes elsewhere
  )

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false, // not such a machine
  )
