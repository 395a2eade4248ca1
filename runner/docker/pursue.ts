import type Docker from 'dockerode'
import { NEWBORN_TICKS } from '../ending.ts'
import type { Pursuit, Stopped } from '../fed-shell.ts'
import type { Log } from '../log.ts'
import { KILL_BELOW, TERM_BELOW } from './kill-below.ts'
import { wordsOf } from './refusal.ts'

type Place = {
  readonly container: Docker.Container
  readonly log: Log
  /** Ends the container as a whole. */
  readonly die: () => Promise<void>
}

/** Stop what runs below a shell of a container. SIGTERM is one program's, which remembers who has got it for as long as it is asked. */
export function pursue(step: Stopped, place: Place): Pursuit {
  const asking = new AbortController()
  let asked: Promise<NodeJS.ReadWriteStream | null> | null = null
  const term = async () => {
    if (asked) (await asked)?.write('\n')
    else asked = askToEnd(step, place, asking.signal)
  }
  return {
    send: (name) => void (name === 'SIGTERM' ? term() : killAll(step, place)),
    [Symbol.dispose]: () => asking.abort(),
  }
}

/** @returns Where a line asks it to look again; null where the container lets nobody in. It ends when the signal aborts. */
async function askToEnd(
  { shell, tidies }: Stopped,
  { container, log }: Place,
  signal: AbortSignal,
): Promise<NodeJS.ReadWriteStream | null> {
  const Cmd = [
    '/bin/sh',
    '-c',
    TERM_BELOW,
    'end',
    String(shell),
    tidies ? 'tidies' : '',
    String(NEWBORN_TICKS),
  ]
  try {
    const exec = await container.exec({ Cmd, User: '0', AttachStdin: true, AttachStdout: true })
    const stream = await exec.start({ hijack: true, stdin: true })
    stream.on('error', () => {}) // the container is gone, and with it whom it was to end
    stream.resume()
    if (signal.aborted) stream.end()
    else signal.addEventListener('abort', () => stream.end(), { once: true })
    return stream
  } catch (error) {
    log.debug({ reason: wordsOf(error) }, 'exec.refused')
    return null
  }
}

/** A container that lets nobody in any more (no process left to it, no memory) is ended as a whole. */
async function killAll({ shell }: Stopped, { container, log, die }: Place): Promise<void> {
  const Cmd = ['/bin/sh', '-c', KILL_BELOW, 'end', String(shell)]
  try {
    const exec = await container.exec({ Cmd, User: '0', AttachStdout: true })
    const stream = await exec.start({})
    await new Promise<void>((resolve) => {
      stream.once('end', resolve).once('close', resolve).once('error', resolve)
      stream.resume()
    })
    if ((await exec.inspect()).ExitCode === 0) return
  } catch (error) {
    log.debug({ reason: wordsOf(error) }, 'exec.refused')
  }
  await die()
}
