import type { Readable } from 'node:stream'

/** Where files lie that are too large for the database: a folder of this machine, or an object store that several servers share. */
export interface Store {
  /** Where it is, for people. */
  readonly words: string
  /** Keep all that is read under this key, once and for ever: whole, or not at all. */
  put(key: string, content: Readable, signal: AbortSignal): Promise<void>
  /** What is kept under this key, from its first byte; null when there is nothing. */
  get(key: string, signal: AbortSignal): Promise<Readable | null>
  /** Nothing is kept under this key any more; no error when nothing was. */
  remove(key: string): Promise<void>
}

/** Keys are ours: letters that mean themselves in paths and addresses. */
export const isKey = (key: string): boolean => /^[a-z]{1,20}\/[0-9a-f]{2}\/[0-9a-f]{32}(\.index)?$/.test(key)
