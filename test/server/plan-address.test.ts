import { expect, test } from 'vitest'
import { steeredLine } from '../support/steer.ts'

test('a run is told where the server is, as others know it, unless its author says otherwise', async () => {
  await using line = await steeredLine(
    'jobs:\n  plain: { run: x }\n  own: { run: x, env: { TAKT_URL: mine } }\n',
  )
  await line.push()
  const taken = [await line.claim(), await line.claim()]
  expect(Object.fromEntries(taken.map((run) => [run?.job, run?.plan.env['TAKT_URL']]))).toEqual({
    plain: 'https://takt.example',
    own: 'mine',
  })
})
