import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'

const Login = z.object({ token: z.string().min(1), id: z.number().int().nullable(), name: z.string() })
export type Login = z.output<typeof Login>
const Logins = z.object({ current: z.string().nullable(), servers: z.record(z.string(), Login) })
/** What `takt login` has kept: a token for each server by its address, and the one that was signed in to last. */
export type Logins = z.output<typeof Logins>

const NONE: Logins = { current: null, servers: {} }

export function readLogins(file: string): Logins {
  try {
    return Logins.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return NONE // never signed in, or not written by us: signing in writes it anew
  }
}

/** Only its owner can read it; it is there whole or as it was. */
export function writeLogins(file: string, logins: Logins): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify(logins, null, 2)}\n`, { mode: 0o600 })
  renameSync(draft, file)
}
