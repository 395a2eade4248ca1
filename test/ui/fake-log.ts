import { ok, type Route } from './fake-reply.ts'
import type { FakeWorld } from './fake-world.ts'

/** The lines of one step of a run's present attempt, the growing one too. */
export function linesOf(world: FakeWorld, id: number, step: number) {
  const attempt = world.runs.get(id)?.attempt
  const pieces = (world.logs.get(id) ?? []).filter(
    (piece) => piece.step === step && piece.attempt === attempt,
  )
  const texts: string[] = []
  for (const { firstLine, text } of pieces)
    for (const [index, part] of text.split('\n').entries())
      texts[firstLine + index] = (texts[firstLine + index] ?? '') + part
  if (texts.at(-1) === '') texts.pop()
  const at = (line: number) => (pieces.findLast((piece) => piece.firstLine <= line) ?? pieces[0])?.at ?? ''
  // a log that is too long to be made has holes
  return texts.flatMap((text, line) => [{ line, step, text, at: at(line) }])
}

/** A log by lines, and what a search in it finds. */
export const LOG: readonly Route[] = [
  [
    'GET',
    /^\/runs\/(\d+)\/log$/,
    ({ world, url }, id) => {
      const wanted = (name: string) => Number(url.searchParams.get(name))
      const lines = linesOf(world, Number(id), wanted('step'))
      const [from, limit] = [wanted('from'), wanted('limit')]
      const page = lines.filter(({ line }) => line >= from && line < from + limit)
      return ok({ attempt: 1, from, total: lines.length, ended: true, lines: page })
    },
  ],
  [
    'GET',
    /^\/runs\/(\d+)\/log\/search$/,
    ({ world, url }, id) => {
      const words = (url.searchParams.get('q') ?? '').toLowerCase()
      const steps = world.runs.get(Number(id))?.steps ?? []
      const found = steps.flatMap(({ step }) =>
        linesOf(world, Number(id), step).filter(({ text }) => text.toLowerCase().includes(words)),
      )
      const lines = found.map(({ step, line }) => ({ step, line }))
      return ok({ attempt: 1, total: lines.length, lines })
    },
  ],
]
