import { execFile } from 'node:child_process'
import { access, copyFile, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type Docker from 'dockerode'
import { EngineError } from '../engine.ts'
import { pack, sending } from './pack.ts'
import { wordsOf } from './refusal.ts'

/** The image of a job that names none. */
export const DEMO_IMAGE = 'takt-demo:1'

const BUILD_MS = 60_000
const run = promisify(execFile)
const FOLDERS = ['/bin', '/usr/bin', '/sbin', '/usr/sbin']
const TOOLS =
  'sh cat echo ls sleep date uname grep sed wc head tail mkdir rm cp mv touch env sort tr true false seq printf id test'
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * A small image made from the machine's own programs, so that a first run on a fresh machine needs no registry and no download.
 *
 * It is for that only: real jobs name an image. A static busybox becomes all of its applets; where there is none, the shell and
 * a handful of tools are taken together with their libraries.
 */
export async function buildDemoImage(docker: Docker, say: (text: string) => Promise<void>): Promise<void> {
  await say(`Building image ${DEMO_IMAGE} from this machine's own tools\n`)
  try {
    await importDemo(docker, { repository: DEMO_IMAGE, busybox: await staticBusybox() })
  } catch (error) {
    throw new EngineError(
      'image_pull_failed',
      `The image ${DEMO_IMAGE} could not be built: ${wordsOf(error)}`,
      { cause: error },
    )
  }
}

/** @param options.busybox  The path of a busybox, or null to take the machine's own tools. */
export async function importDemo(
  docker: Docker,
  { repository, busybox }: { readonly repository: string; readonly busybox: string | null },
): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'takt-demo-'))
  try {
    await skeleton(root)
    if (busybox) await applets(root, busybox)
    else await tools(root)
    const [repo = '', tag = ''] = repository.split(':')
    const options = { repo, tag, changes: [`ENV PATH=${PATH}`, 'WORKDIR /work'] }
    const tarred = pack(root, ({ name, mode }) => (name === 'tmp' ? 0o1777 : mode))
    const stream = await sending(tarred, AbortSignal.timeout(BUILD_MS), (abortSignal) =>
      docker.importImage(tarred, { ...options, abortSignal }),
    )
    await new Promise<void>((resolve, reject) =>
      docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve())),
    )
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

async function skeleton(root: string): Promise<void> {
  for (const folder of ['bin', 'tmp', 'work', 'etc', 'root']) await mkdir(join(root, folder), { mode: 0o755 })
  await writeFile(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n',
  )
  await writeFile(join(root, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n')
}

/** The path of the machine's busybox, else null. */
export const findBusybox = (): Promise<string | null> => find('busybox')

/** The same where it is linked statically, else null. */
export async function staticBusybox(): Promise<string | null> {
  const path = await findBusybox()
  return path && (await libraries(path)).length === 0 ? path : null
}

async function applets(root: string, busybox: string): Promise<void> {
  await copyFile(busybox, join(root, 'bin/busybox'))
  await copyLibraries(root, await libraries(busybox))
  const { stdout } = await run(busybox, ['--list'])
  const names = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox')
  await Promise.all(names.map((name) => symlink('busybox', join(root, 'bin', name))))
}

async function tools(root: string): Promise<void> {
  const needed = new Set<string>()
  for (const name of TOOLS.split(' ')) {
    const path = await find(name)
    if (!path) continue
    await copyFile(await realpath(path), join(root, 'bin', name))
    for (const library of await libraries(path)) needed.add(library)
  }
  await copyLibraries(root, needed)
}

async function copyLibraries(root: string, paths: Iterable<string>): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await copyFile(await realpath(path), join(root, path))
  }
}

/** The libraries, and the loader, that a program needs; none for a static one, of which `ldd` says so with an error. */
async function libraries(path: string): Promise<string[]> {
  const { stdout } = await run('ldd', [path]).catch(() => ({ stdout: '' }))
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, library = '']) => library)
}

async function find(name: string): Promise<string | null> {
  for (const folder of FOLDERS) {
    const path = join(folder, name)
    const found = await access(path).then(
      () => true,
      () => false, // not in this folder: the next one is asked
    )
    if (found) return path
  }
  return null
}
