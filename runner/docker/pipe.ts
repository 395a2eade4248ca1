import { execFile, spawn } from 'node:child_process'
import { close, constants, open } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Intake } from './intake.ts'

/** Where a shell finds its pipe, below the root of its volume. */
export const PIPE = '.said'

/** Nothing comes for so long, and yet something that was not ended holds the other end: it is not waited for. */
const LAST_MS = 1_000

/** The kernel gives a pipe 64 KiB, which a fast log fills long before we have packed as much; it lets anybody have this. */
const WIDTH_BYTES = 512 * 1024
/** `fcntl(F_SETPIPE_SZ)` of Linux, which Node has no word for. */
const WIDEN = `fcntl STDIN, 1031, ${WIDTH_BYTES}`

/**
 * A named pipe in a container's volume. What a shell says goes through it from process to process, and not through the engine,
 * which would copy every byte four times.
 *
 * It is there before the container starts, and its name is gone from the volume as soon as something came through it: a shell
 * says a mark when it opens, long before it is given a job's first command.
 */
export class Pipe {
  readonly #path: string
  readonly #socket: Socket
  /** As long as we hold the other end, too, the pipe does not end while no shell holds it. */
  readonly #keeper: number
  readonly #ended = Promise.withResolvers<void>()
  #take: (bytes: Uint8Array) => boolean = () => false
  #reads = 0
  /** Whoever takes what is read has enough for now. */
  #isHeld = false
  #finished: Promise<void> | null = null

  constructor(path: string, { reader, keeper }: Ends) {
    this.#path = path
    this.#keeper = keeper
    const callback = (count: number, buffer: Uint8Array) => this.#hear(buffer.subarray(0, count))
    const onread = { buffer: Intake.desk, callback }
    this.#socket = new Socket({ fd: reader, readable: true, writable: false, onread })
    this.#socket.on('error', () => {}).on('close', this.#ended.resolve) // an error is its end, as everything else is
  }

  /** Read from now on. @param take  Whether more may be read at once; `resume` says when again. */
  into(take: (bytes: Uint8Array) => boolean): void {
    this.#take = take
    this.resume()
  }

  resume(): void {
    this.#isHeld = false
    this.#socket.resume()
  }

  /** The container has ended: resolves when all that it said was read, however long its reader takes. */
  finish(): Promise<void> {
    return (this.#finished ??= this.#finish())
  }

  /** Nobody is to speak through it. */
  async drop(): Promise<void> {
    this.#socket.destroy()
    await promisify(close)(this.#keeper)
    await this.#remove()
  }

  async #finish(): Promise<void> {
    await promisify(close)(this.#keeper)
    let before = -1
    const silent = setInterval(() => {
      if (this.#reads === before && !this.#isHeld) this.#socket.destroy()
      before = this.#reads
    }, LAST_MS)
    await this.#ended.promise
    clearInterval(silent)
  }

  #hear(bytes: Uint8Array): boolean {
    if (this.#reads++ === 0) void this.#remove()
    this.#isHeld = !this.#take(bytes)
    return !this.#isHeld
  }

  /** A volume that is removed takes it along. */
  #remove(): Promise<void> {
    return unlink(this.#path).catch(() => {})
  }
}

type Ends = { readonly reader: number; readonly keeper: number }

/**
 * Make a pipe in a volume in which no job has run yet: from then on names in it may lead anywhere.
 *
 * @param folder  Where the engine says it keeps the volume, on its own machine.
 * @returns Null where that is not this machine, or nobody lets us in: then what is said comes through the engine.
 */
export async function makePipe(folder: string | null): Promise<Pipe | null> {
  if (folder === null) return null
  const path = join(folder, PIPE)
  const ends: number[] = []
  try {
    await promisify(execFile)('mkfifo', ['-m', '666', path])
    // Neither waits for somebody at the other end; the one that reads comes first, because the other is refused without it.
    for (const how of [constants.O_RDONLY, constants.O_WRONLY])
      ends.push(await promisify(open)(path, how | constants.O_NONBLOCK | constants.O_NOFOLLOW))
    const [reader = -1, keeper = -1] = ends
    widen(reader)
    return new Pipe(path, { reader, keeper })
  } catch {
    for (const end of ends) close(end)
    return null
  }
}

/**
 * Let a pipe hold more, so that its shell goes on while we pack. By Perl, which Debian's git brings along; on a machine without it the
 * shell waits more often. Nobody waits for it here.
 */
function widen(reader: number): void {
  spawn('perl', ['-e', WIDEN], { stdio: [reader, 'ignore', 'ignore'] }).on('error', () => {})
}
