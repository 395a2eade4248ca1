import { OWN_TOKEN, type TokenOf } from '../forges/own-token.ts'
import type { RegistryDeps } from './registry.ts'

/** A project's own token for its forge, which may be written as `name:token`, too. */
export const forgeTokens =
  (loginOf: RegistryDeps['loginOf']): TokenOf =>
  async (project) =>
    (await loginOf({ project, secret: OWN_TOKEN }))?.password ?? null
