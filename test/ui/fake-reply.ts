import type { FakeWorld } from './fake-world.ts'

/** @property type  What a body is that is no JSON, and a text. */
export type Reply = { status: number; body: unknown; cookie?: string; type?: string }
export type Asked = {
  readonly world: FakeWorld
  readonly url: URL
  readonly body: Record<string, unknown>
  readonly bearer: string | undefined
  readonly ifMatch: string | undefined
}
export type Route = readonly [
  method: string,
  path: RegExp,
  reply: (asked: Asked, ...parts: string[]) => Reply,
]

export const ok = (body: unknown): Reply => ({ status: 200, body })
export const no = (status: number, code: string, title: string, detail = title, further = {}): Reply => ({
  status,
  body: { ...further, type: `/problems/${code}`, code, status, title, detail },
})
