import { expect, test } from 'vitest'
import type { PutSaid } from '#pipelines/wire/puts.ts'
import type { CallServer } from '../../runner/call-server.ts'
import { StepFailed } from '../../runner/engine.ts'
import { recordPut } from '../../runner/resources/record-put.ts'
import { Work } from '../../runner/work.ts'
import { planOf } from './plans.ts'

const SECRET = 'hunter22-of-weight'

/** What leaves the runner when a run with a secret says that it has put this. */
async function leaving(said: PutSaid): Promise<string> {
  let sent = ''
  const call: CallServer = async (_, { body }) => {
    sent = String(await body?.())
    return new Response(JSON.stringify({ version: 'v', fields: {} }))
  }
  const work = new Work(planOf(['x'], { secrets: { TOKEN: SECRET } }), 'the lease', () => {})
  await recordPut(call, { resource: 'thing', said }, { work, signal: AbortSignal.timeout(5_000) })
  return sent
}

const digest = `sha256:${'a1'.repeat(32)}`
test.each<readonly [string, PutSaid]>([
  ['params', { kind: 'params', set: { URL: `https://x:${SECRET}@host` }, overwrite: false }],
  [
    'git',
    { kind: 'git', sha: 'a'.repeat(40), branch: 'main', message: `set ${SECRET}`, author: `a <${SECRET}>` },
  ],
  [
    'custom',
    {
      kind: 'custom',
      version: { ref: '1' },
      metadata: [{ name: 'url', value: Buffer.from(`token:${SECRET}`).toString('base64') }],
    },
  ],
  [
    'image',
    {
      ...{ kind: 'image', digest, tags: ['one'] },
      built: {
        by: 'Docker 20',
        from: [{ as: 'base', image: `host/${SECRET}:1`, digest: null }],
        leftOff: 0,
      },
    },
  ],
])('what is told of a put of the kind %s holds no secret of its run', async (_, said) => {
  const sent = await leaving(said)
  expect(sent).toContain('***')
  expect(sent).not.toContain(SECRET)
  expect(sent).not.toContain(Buffer.from(SECRET.slice(0, 15)).toString('base64'))
})

test('a version that holds a secret is none, and the step says in which field', async () => {
  const putting = leaving({ kind: 'custom', version: { ref: '1', key: SECRET }, metadata: [] })
  await expect(putting).rejects.toThrow(StepFailed)
  await expect(putting).rejects.toThrow('`key` of the version that `thing` tells holds a secret')
})
