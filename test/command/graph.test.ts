import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT, scratch, takt } from './run-takt.ts'

test('a file is drawn without a server', async () => {
  const { code, out } = await takt(['graph', 'pipelines/examples/fan-in.yml'], { cwd: ROOT })
  expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('  3  publish  ← unit, lint\n') })
  const mermaid = await takt(['graph', '--mermaid', 'pipelines/examples/hello.yml'], { cwd: ROOT })
  expect(mermaid.out).toMatch(/^flowchart LR\n/)
})

test('for programs it is the graph and the plan, what is not carried out yet included', async () => {
  const { code, out } = await takt(['graph', '--json', 'pipelines/examples/full-line.yml'], { cwd: ROOT })
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({
    diagnostics: [],
    layers: expect.any(Array),
    pipeline: { jobs: expect.any(Array) },
  })
})

test('a bad file is red', async () => {
  await using here = await scratch()
  await writeFile(join(here.path, '.takt.yml'), 'jobs: { a: { rnu: x } }')
  const { code, err } = await takt(['graph'], { cwd: here.path })
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('unknown key `rnu`') })
})

test('the schema is printed for editors', async () => {
  const { code, out } = await takt(['schema'])
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({
    $schema: expect.stringContaining('2020-12'),
    additionalProperties: false,
  })
})

test('a check of a file that uses more than is carried out is red, and says so', async () => {
  const { code, out } = await takt(['check', 'pipelines/examples/full-line.yml'], { cwd: ROOT })
  expect(code).toBe(1)
  expect(out).toContain('this version of Takt does not run `environment` yet')
})
