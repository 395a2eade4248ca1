import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dockerEngine } from '../../runner/docker/engine.ts'
import { LABEL } from '../../runner/docker/labels.ts'
import { planOf } from '../runner/plans.ts'
import { collect, begin, groundOf, open } from './contract.ts'
import { type PrivateEngine, privateEngine, whyNoPrivateEngine } from './private-engine.ts'
import { TEST_IMAGE } from './test-image.ts'

const reason = await whyNoPrivateEngine()

describe.skipIf(reason)(`an engine that lists crun${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let folder: string
  let own: PrivateEngine
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'takt-runtime-'))
    own = await privateEngine({ flags: ['--add-runtime', `crun=${join(folder, 'crun')}`] })
  })
  afterAll(async () => {
    await own?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  /** What a step says under a crun that is this script, and the runtimes of all containers meanwhile. */
  const played = async (crun: string) => {
    await writeFile(join(folder, 'crun'), `#!/bin/sh\n${crun}\n`)
    await chmod(join(folder, 'crun'), 0o755)
    await using ground = await groundOf('runtime')
    process.env['DOCKER_HOST'] = own.host
    const engine = await dockerEngine({ ...ground, docker: { warm: 0 } }, AbortSignal.timeout(60_000))
    delete process.env['DOCKER_HOST']
    try {
      await using workspace = await open(engine, planOf([], { image: TEST_IMAGE }))
      const { text } = await collect(begin(workspace, ['echo ran']))
      const made = await own.docker.listContainers({ all: true, filters: { label: [LABEL.runner] } })
      const all = await Promise.all(made.map(({ Id }) => own.docker.getContainer(Id).inspect()))
      return { text, runtimes: all.map(({ HostConfig }) => HostConfig.Runtime) }
    } finally {
      await engine.close()
    }
  }

  test('runs everything in it', async () => {
    expect(await played('exec runc "$@"')).toEqual({ text: 'ran\n', runtimes: ['crun', 'crun'] })
  })

  test('goes on with its own runtime where crun refuses the machine', async () => {
    const refused = 'echo "cgroups in hybrid mode not supported" >&2; exit 1'
    expect(await played(refused)).toEqual({ text: 'ran\n', runtimes: ['runc', 'runc'] })
  })
})
