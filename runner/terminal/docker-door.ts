import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { once } from 'node:events'
import Docker from 'dockerode'
import { DIRECTORY } from '../docker/container.ts'
import { wordsOf } from '../docker/refusal.ts'
import { EngineError } from '../engine.ts'
import type { Log } from '../log.ts'
import type { Door, Terminal, Visit } from './door.ts'

/**
 * Says its own number in a first line that only we know to expect, then becomes the program that was asked for, or the best
 * shell that the image has. The number is what ends it all later: an engine that is hung up on leaves its processes running.
 */
const BEGIN = `
printf '%s %s\\n' "$1" "$$"
cd "$2/work" 2>/dev/null || cd "$2" 2>/dev/null
shift 2
if [ "$#" -gt 0 ]; then exec "$@"; fi
if command -v bash >/dev/null 2>&1; then exec bash; fi
exec /bin/sh`

/**
 * Ends every process of one session: those that the terminal's program began, in whatever group they are. The fourth number
 * behind the program's name, which itself may hold anything, is the session.
 */
const END = `
for signal in HUP KILL; do
  for stat in /proc/[0-9]*/stat; do
    read -r line <"$stat" || continue
    pid=\${stat#/proc/}; pid=\${pid%/stat}
    set -- "$1" \${line##*) }
    if [ "$5" = "$1" ]; then kill -"$signal" "$pid"; fi
  done 2>/dev/null
  [ "$signal" = KILL ] || sleep 1
done`

/**
 * By these keys the engine would hang up and leave the program running; without any said it takes Ctrl-P Ctrl-Q, and keeps each
 * Ctrl-P, which calls the line before, until the next key. Nothing can be said to mean none: so many that nobody types, beginning
 * with one that hardly anybody does.
 */
const DETACH_KEYS = Array.from({ length: 32 }, () => 'ctrl-^,ctrl-@').join()

/** A first line is as long as this at most; more would be no number. */
const MOST_FIRST_BYTES = 200
const FIRST_LINE_MS = 10_000

/** Terminals in containers of the Docker engine that runs are executed with. */
export function dockerDoor(docker: Docker, log: Log): Door {
  return async (visit) => {
    try {
      return await open(docker, log, visit)
    } catch (error) {
      if (error instanceof EngineError) throw error
      throw new EngineError('no_terminal', `Docker could not open a terminal: ${wordsOf(error)}`, {
        cause: error,
      })
    }
  }
}

async function open(docker: Docker, log: Log, visit: Visit): Promise<Terminal> {
  const container = docker.getContainer(visit.container)
  const token = randomBytes(16).toString('hex')
  const { columns, rows, plan, command } = visit
  const exec = await container.exec({
    Cmd: ['/bin/sh', '-c', BEGIN, 'takt', token, DIRECTORY, ...command],
    Env: environment(plan.env),
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    DetachKeys: DETACH_KEYS,
    Tty: true,
  })
  const stream = await exec.start({ hijack: true, stdin: true, Tty: true })
  stream.on('error', () => {}) // every error is followed by an end, which is what the reader sees
  const screen = stream[Symbol.asyncIterator]()
  const { session, rest } = await firstLine(screen, token).catch((error: unknown) => {
    stream.destroy()
    throw error
  })
  const resize = (size: { columns: number; rows: number }) =>
    exec.resize({ w: size.columns, h: size.rows }).catch(() => {}) // it has ended meanwhile
  await resize({ columns, rows })
  let disposed: Promise<void> | null = null
  return {
    screen: following(rest, screen),
    type: (keys) => typed(stream, keys),
    resize,
    exitCode: () =>
      exec.inspect().then(
        ({ ExitCode }) => ExitCode,
        () => null, // gone with its container
      ),
    [Symbol.asyncDispose]: () => (disposed ??= end({ container, session, stream, log })),
  }
}

/** The job's own variables, without its secrets; and what programs on a terminal look for. */
const environment = (env: Readonly<Record<string, string>>): string[] =>
  Object.entries({ LANG: 'C.UTF-8', ...env, TERM: 'xterm-256color', COLORTERM: 'truecolor' }).map(
    ([name, value]) => `${name}=${value}`,
  )

type Screen = AsyncIterator<Buffer | string>

async function firstLine(screen: Screen, token: string): Promise<{ session: string; rest: Buffer }> {
  const late = AbortSignal.timeout(FIRST_LINE_MS)
  const stopped = once(late, 'abort').then(() => {
    throw new EngineError('no_terminal', 'The container did not start the terminal in time.')
  })
  stopped.catch(() => {}) // matters only while somebody waits below
  let said = Buffer.alloc(0)
  while (said.length < MOST_FIRST_BYTES) {
    const next = await Promise.race([screen.next(), stopped])
    if (next.done) break
    said = Buffer.concat([said, Buffer.from(next.value)])
    const end = said.indexOf('\n')
    const [name, session] = said.subarray(0, Math.max(0, end)).toString().trim().split(' ')
    if (end >= 0 && name === token && session && /^\d+$/.test(session))
      return { session, rest: said.subarray(end + 1) }
  }
  const words = said.toString('utf8').trim()
  throw new EngineError('no_terminal', `The container has no shell for a terminal${words && `: ${words}`}`)
}

async function* following(rest: Buffer, screen: Screen): AsyncGenerator<Uint8Array, void> {
  if (rest.length > 0) yield rest
  // A connection that breaks is an end like any other: the program, or its container, is gone.
  const nextOf = () => screen.next().catch(() => ({ done: true as const, value: undefined }))
  for (let next = await nextOf(); !next.done; next = await nextOf()) yield Buffer.from(next.value)
}

async function typed(stream: Duplex, keys: Uint8Array): Promise<void> {
  if (!stream.writable || stream.write(keys)) return
  const gone = once(stream, 'close')
  await Promise.race([once(stream, 'drain'), gone]).catch(() => {}) // it ended, and takes nothing more
}

type Ending = { container: Docker.Container; session: string; stream: Duplex; log: Log }

async function end({ container, session, stream, log }: Ending): Promise<void> {
  stream.destroy()
  try {
    const exec = await container.exec({ Cmd: ['/bin/sh', '-c', END, 'takt', session] })
    await exec.start({ Detach: true })
  } catch (error) {
    log.debug({ reason: wordsOf(error) }, 'terminal.gone') // with its container, and everything in it
  }
}
