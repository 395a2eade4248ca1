import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { localEngine } from '../../runner/local/engine.ts'
import { marked } from '../../runner/local/processes.ts'
import { planOf } from '../runner/plans.ts'
import { groundOf, runOnce } from './contract.ts'
import { describeEngine } from './contract-engine.ts'
import type { Ground } from './contract.ts'
import { run } from './test-image.ts'

const make = (ground: Ground) => localEngine({ ...ground, path: process.env['PATH'] ?? '' })

async function leftovers({ identity, folder }: Ground): Promise<string[]> {
  const folders = await readdir(join(folder, 'runs')).catch(() => [])
  const pids = await Promise.all(folders.map((name) => marked(`${identity}:${name}:`)))
  const strays = (await marked(`${identity}:`)).length - pids.flat().length
  return [...folders, ...Array.from({ length: strays }, () => 'a process without a folder')]
}

describeEngine('local', { make: async (ground) => make(ground), image: null, other: null, leftovers })

test('a job with services begins nowhere but in Docker, and is told which they are', async () => {
  await using ground = await groundOf('local')
  const service = { image: 'postgres:17', env: {}, commands: [], health: null, dependsOn: [] }
  const plan = planOf(['echo green'], { services: [{ ...service, step: 2, name: 'db' }] })
  await expect(runOnce(make(ground), plan)).rejects.toMatchObject({
    code: 'services_need_docker',
    message: expect.stringMatching(/`db`.*`runs_on: \{ engine: docker \}`/),
  })
  expect(await leftovers(ground)).toEqual([])
})

test.skipIf(process.getuid?.() !== 0)('a step that fails on a full disk broke for want of room', async () => {
  await using ground = await groundOf('local')
  const runs = join(ground.folder, 'runs')
  await mkdir(runs)
  await run('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', runs])
  try {
    const full = planOf(['head -c 50000000 /dev/zero > big'])
    await expect(runOnce(make(ground), full)).rejects.toMatchObject({ code: 'disk_full' })
    const other = await runOnce(make(ground), planOf(['exit 3']))
    expect(other.status).toMatchObject({ exitCode: 3, error: null })
  } finally {
    await run('umount', [runs])
  }
})

test('local commands are told where their home and their temporary files are', async () => {
  await using ground = await groundOf('local')
  const plan = planOf(['echo "$HOME" "$TMPDIR" "$PWD"; env | cut -d= -f1 | sort | tr "\\n" " "'], {
    env: { ONE: '1' },
  })
  const { text } = await runOnce(make(ground), plan)
  const at = join(ground.folder, 'runs', `${plan.run}-1`)
  expect(text).toContain(`${at}/home ${at}/tmp ${at}/work\n`)
  expect(text).toMatch(/HOME LANG (OLDPWD )?ONE PATH PWD SHLVL TAKT_RUNNER_MARK TMPDIR/)
})
