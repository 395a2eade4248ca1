import { Readable } from 'node:stream'
import tar from 'tar-stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dockerEngine } from '../../runner/docker/engine.ts'
import { planOf } from '../runner/plans.ts'
import { begin, collect, groundOf, open } from './contract.ts'
import { derivedImage } from './derived-image.ts'
import { ensureTestImage, TEST_IMAGE, whyNoDocker } from './test-image.ts'

const reason = await whyNoDocker()
const idle = () => new AbortController().signal
const PASSWD = 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n'
const limits = { cpus: 1, memoryBytes: 2 ** 28, pids: 100 }

/** As an archive of a run comes back from the server: root's, with the modes that it had. */
function archive(): Readable {
  const pack = tar.pack()
  pack.entry({ name: 'd', type: 'directory', mode: 0o755 })
  pack.entry({ name: 'd/count', mode: 0o644 }, '1\n')
  pack.entry({ name: 'd/go.sh', mode: 0o755 }, 'echo gone\n')
  pack.entry({ name: 'key', mode: 0o600 }, 'secret\n')
  pack.finalize()
  return Readable.from(pack, { objectMode: false })
}

describe.skipIf(reason)(
  `an image that runs as somebody else than root${reason ? ` (skipped: ${reason})` : ''}`,
  () => {
    let ground: Awaited<ReturnType<typeof groundOf>>
    let engine: Awaited<ReturnType<typeof dockerEngine>>
    beforeAll(async () => {
      await ensureTestImage()
      ground = await groundOf('users')
      engine = await dockerEngine(ground, AbortSignal.timeout(30_000))
    })
    afterAll(async () => {
      await engine.close()
      await ground[Symbol.asyncDispose]()
    })

    test.each(['USER 1000', 'USER 1000:1000', 'USER nobody'])(
      '(%s) goes on with the state, the files and the outputs of its runs',
      async (changes) => {
        const name = `takt-test/user:${process.pid}-${changes.replace(/\W/g, '-').toLowerCase()}`
        await using _image = await derivedImage({ name, changes, programs: { 'etc/passwd': PASSWD } })
        await using workspace = await open(engine, planOf([], { image: name, limits }))
        for (const path of ['state', 'states/build', 'inputs/lib', 'work/dist/deep'])
          await workspace.write(path, archive(), idle())
        const work = [
          '[ "$(id -u)" != 0 ]',
          'cat ../state/key; echo 2 > ../state/d/count; echo new > ../state/d/more; rm ../state/key',
          'for at in ../states/build ../inputs/lib dist/deep; do cat $at/d/count; echo x >> $at/d/count; $at/d/go.sh; done',
          'echo x > ../inputs/lib/new; echo x > dist/new',
          'echo url=https://here >> ../output',
        ]
        const ran = await collect(begin(workspace, work))
        expect(ran.text).toBe('secret\n1\ngone\n1\ngone\n1\ngone\n')
        expect(ran.status).toMatchObject({ exitCode: 0, output: 'url=https://here\n', stateTouched: true })
        const names: string[] = []
        const files = tar.extract()
        ;(await workspace.read('state', idle()))!.pipe(files as unknown as NodeJS.WritableStream)
        for await (const entry of files) {
          names.push(entry.header.name)
          entry.resume()
        }
        expect(names.sort()).toEqual(['state/', 'state/d/', 'state/d/count', 'state/d/go.sh', 'state/d/more'])
      },
    )

    test('changes nothing for one that runs as root: what was private stays so', async () => {
      await using workspace = await open(engine, planOf([], { image: TEST_IMAGE, limits }))
      await workspace.write('state', archive(), idle())
      const ran = await collect(begin(workspace, ['stat -c "%a %n" ../state/key ../state/d']))
      expect(ran.text).toBe('600 ../state/key\n755 ../state/d\n')
    })
  },
)
