import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { Ending, WRONG_USE } from './ending.ts'
import { readLogins } from './logins.ts'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/**
 * How a runner is started. What it reads of logs is short-lived and comes by the megabyte: a small space for the young lets it be
 * collected while it is warm, and the runner stay small.
 */
export const RUNNER_ARGS = ['--max-semi-space-size=1', join(ROOT, 'runner/main.ts')]
/**
 * How glibc gives it memory: pieces of log come and go, and what they leave between them would be half of its memory. Large ones go
 * back to the system when they are free, and its threads share what there is.
 */
export const RUNNER_ENVIRONMENT = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '1048576',
  MALLOC_TRIM_THRESHOLD_: '4194304',
}

/** Everything the command takes from outside. */
const Settings = z.object({
  TAKT_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('The server to talk to. Without it the one that runs on this machine'),
  TAKT_TOKEN: z
    .string()
    .min(1)
    .optional()
    .describe('An API token. Without it that of `takt login`, else the one in the data directory'),
  TAKT_LOGIN: z
    .string()
    .min(1)
    .optional()
    .describe('The file that `takt login` keeps tokens in. Without it ~/.config/takt/login.json'),
  TAKT_DATA: z
    .string()
    .min(1)
    .default(join(ROOT, 'data'))
    .describe('The data directory of the server on this machine'),
  TAKT_PORT: z.coerce
    .number()
    .int()
    .min(1)
    .max(65_535)
    .default(8080)
    .describe('The port of the server on this machine'),
  NO_COLOR: z.string().default('').describe('Anything but empty: no colours'),
})
export const settings = Settings.shape

export type Config = {
  /** Without a slash at its end. */
  readonly url: string
  /** Null where none is set and this machine's cannot be read. */
  readonly token: string | null
  readonly dataDir: string
  readonly loginFile: string
  readonly colours: boolean
}

/** @throws {Ending} Naming every setting that is wrong at once, never a value. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const read = Settings.safeParse(stated(env))
  if (!read.success)
    throw new Ending(WRONG_USE, `The environment is not right:\n${z.prettifyError(read.error)}`)
  const { TAKT_URL, TAKT_TOKEN, TAKT_LOGIN, TAKT_DATA: dataDir, TAKT_PORT, NO_COLOR } = read.data
  const loginFile = TAKT_LOGIN ?? join(homedir(), '.config', 'takt', 'login.json')
  const logins = readLogins(loginFile)
  const local = firstLine(join(dataDir, 'address')) ?? logins.current ?? `http://127.0.0.1:${TAKT_PORT}`
  const url = (TAKT_URL ?? local).replace(/\/+$/, '')
  return {
    url,
    token: TAKT_TOKEN ?? logins.servers[url]?.token ?? tokenIn(dataDir),
    dataDir,
    loginFile,
    colours: NO_COLOR === '' && process.stdout.isTTY === true,
  }
}

/** The API token that a server leaves for its own machine. */
export const tokenIn = (dataDir: string): string | null => firstLine(join(dataDir, 'token'))

/** Our own environment for a child process, and `more` where it says nothing. */
export function environmentWith(more: Readonly<Record<string, string>>): Record<string, string> {
  return { ...more, ...stated(process.env) }
}

/** An empty variable is how a script says "not set". */
function stated(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value ? [[name, value]] : [])))
}

function firstLine(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').split('\n')[0]?.trim() || null
  } catch {
    return null // not this machine's server, or not ours to read: the answer of the server will tell what is missing
  }
}
