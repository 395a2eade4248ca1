import { createHash } from 'node:crypto'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { endPostmaster, findPostmaster } from './embedded-postmaster.ts'

export type OsUser = { readonly name: string; readonly uid: number; readonly gid: number }

/** Where one data directory's PostgreSQL lives, and as whom it runs. */
export type Home = {
  readonly cluster: string
  /** Where the socket goes. Only `as` and root may enter, which is all the protection that trust needs. */
  readonly socket: string
  /** Where a copy of the binaries may be kept, should the installed ones be of no use. */
  readonly spare: string
  /** PostgreSQL refuses to run as root, so root steps down to this user; null when we are an ordinary user. */
  readonly as: OsUser | null
}

/** Root's PostgreSQL lives here when its user cannot get through to the data directory, as below a home of mode 0700. */
const SYSTEM_HOME = '/var/lib/takt'
/** The kernel takes no longer path for a socket. */
const SOCKET_PATH_BYTES = 107

export async function findHome(dataDir: string): Promise<Home> {
  await mkdir(dataDir, { recursive: true })
  const data = await realpath(dataDir)
  const hash = createHash('sha256').update(data).digest('hex').slice(0, 12)
  const beside = join(data, 'postgres')
  const as = process.getuid?.() === 0 ? await stepDownTo(beside) : null
  const chosen = as ? await placeFor(beside, hash, as) : beside
  await ownedDirectory(chosen, as)
  const place = await realpath(chosen)
  const system = join(SYSTEM_HOME, hash)
  const sockets = [
    join(place, 'socket'),
    as ? join(system, 'socket') : join(tmpdir(), `takt-${hash}`),
    `/tmp/takt-${hash}`,
  ]
  const socket =
    sockets.find((path) => Buffer.byteLength(join(path, '.s.PGSQL.5432')) <= SOCKET_PATH_BYTES) ??
    sockets[0] ??
    place
  if (as && socket.startsWith(SYSTEM_HOME)) await mkdir(system, { recursive: true, mode: 0o755 })
  await ownedDirectory(socket, as)
  return { cluster: join(place, 'cluster'), socket, spare: as ? SYSTEM_HOME : data, as }
}

/** A directory that `owner` (or this process) alone may enter; one that a stranger made before us is refused. */
async function ownedDirectory(path: string, owner: OsUser | null): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const found = await lstat(path)
  if (!found.isDirectory()) throw new Error(`${path} is not a directory, and PostgreSQL needs it to be one`)
  const uid = owner?.uid ?? process.getuid?.() ?? found.uid
  if (owner && found.uid === 0) await chown(path, owner.uid, owner.gid)
  else if (found.uid !== uid)
    throw new Error(
      `${path} belongs to the user with id ${found.uid}, not to ${uid}: run Takt as its owner, or remove it`,
    )
  if ((found.mode & 0o777) !== 0o700) await chmod(path, 0o700)
}

/** The owner of the database that is already there, or else `postgres`, or else `nobody`. */
async function stepDownTo(beside: string): Promise<OsUser> {
  const users = await osUsers()
  const owner = await stat(join(beside, 'cluster')).catch(() => null) // there is none before the first start
  if (owner && owner.uid !== 0) {
    const name = users.find((user) => user.uid === owner.uid)?.name ?? String(owner.uid)
    return { name, uid: owner.uid, gid: owner.gid }
  }
  const named = (name: string) => users.find((user) => user.name === name)
  return named('postgres') ?? named('nobody') ?? { name: 'nobody', uid: 65_534, gid: 65_534 }
}

async function osUsers(): Promise<OsUser[]> {
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '') // a bare container may have none
  return text.split('\n').flatMap((line) => {
    const [name = '', , uid, gid] = line.split(':')
    return name === '' ? [] : [{ name, uid: Number(uid), gid: Number(gid) }]
  })
}

async function placeFor(beside: string, hash: string, as: OsUser): Promise<string> {
  const found = await lstat(beside).catch(() => null) // there is none before the first start
  if (found?.isSymbolicLink()) {
    const target = await readlink(beside)
    if (await stat(target).catch(() => null)) return target
    throw new Error(
      `${beside} leads to ${target}, which is gone: bring it back, or remove the link to begin with an empty database`,
    )
  }
  if (await canReach(dirname(beside), as)) return beside
  if (found && (await stat(join(beside, 'cluster')).catch(() => null)))
    throw new Error(
      `The user ${as.name} cannot reach ${beside}, and PostgreSQL refuses to run as root: ` +
        `let others pass (chmod o+x) through the directories above it, or run Takt as an ordinary user`,
    )
  return linkedPlace(beside, hash)
}

/** A place that every user can reach, linked from where the database would have been. */
async function linkedPlace(beside: string, hash: string): Promise<string> {
  const system = join(SYSTEM_HOME, hash)
  const place = join(system, 'postgres')
  // Without a link to it this belonged to a data directory that was removed; its successor begins empty.
  if (await stat(join(place, 'cluster')).catch(() => null)) {
    const running = await findPostmaster(join(place, 'cluster'))
    if (running) await endPostmaster(join(place, 'cluster'), running)
    await rm(`${system}.old`, { recursive: true, force: true })
    await rename(system, `${system}.old`)
  }
  await mkdir(system, { recursive: true, mode: 0o755 })
  await mkdir(place, { recursive: true, mode: 0o700 })
  await rm(beside, { recursive: true, force: true })
  await symlink(place, beside)
  return place
}

/** Whether a user may walk down to `path`, judged by owner, group and mode of every directory on the way. */
export async function canReach(path: string, user: OsUser): Promise<boolean> {
  const { uid, gid, mode } = await stat(path)
  const pass = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
  if ((mode & pass) === 0) return false
  return path === '/' || canReach(dirname(path), user)
}
