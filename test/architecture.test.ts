import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { hasErrors } from '../pipelines/language/diagnostic.ts'
import { parsePipeline } from '../pipelines/language/parse.ts'
import {
  bags,
  breaking,
  circles,
  foreignImports,
  type House,
  importsOf,
  longFiles,
  rightwardImports,
  RULES,
  silenced,
  stateWriters,
} from './support/layering.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const SOURCES = '{pipelines,server,runner,ui,test}/**/*.{ts,mjs,svelte,css}'
const GIVEN = ['ui/dist/**', '**/node_modules/**']
const paths = globSync(SOURCES, { cwd: root, exclude: GIVEN }).filter((path) => !path.startsWith('ui/dist/'))
const house: House = new Map(paths.toSorted().map((path) => [path, readFileSync(root + path, 'utf8')]))

const world = (files: Record<string, string>): House => new Map(Object.entries(files))

describe('this house', () => {
  test('is there', () => {
    expect(house.size).toBeGreaterThan(100)
    expect(importsOf(house).length).toBeGreaterThan(200)
  })
  test('imports only what its table allows', () => expect(foreignImports(house)).toEqual([]))
  test('imports only leftward inside the server', () => expect(rightwardImports(house)).toEqual([]))
  test('has no circles', () => expect(circles(house)).toEqual([]))
  test('has no bags', () => expect(bags(house)).toEqual([]))
  test('has no file that is not read in one sitting', () => expect(longFiles(house)).toEqual([]))
  test('puts no question off', () => expect(silenced(house)).toEqual([]))
  test('writes the state of a run in one place', () => expect(stateWriters(house)).toEqual([]))
  test.each(Object.entries(RULES))('keeps the rule: %s', (_, rule) =>
    expect(breaking(house, rule)).toEqual([]),
  )

  const examples = globSync('pipelines/examples/{*,**/.*,**/*}.yml', { cwd: root }).toSorted()
  test('has examples', () => expect(examples.length).toBeGreaterThan(1))
  test.each(examples)('has a good example in %s', (path) => {
    const { diagnostics } = parsePipeline(readFileSync(root + path, 'utf8'))
    expect(diagnostics.filter((found) => hasErrors([found]))).toEqual([])
  })
})

describe('an import is a trespass when', () => {
  test.each([
    ['pipelines reach for the machine', 'pipelines/a.ts', `import { join } from 'node:path'`],
    ['pipelines reach for a package that is not pure', 'pipelines/a.ts', `import { Hono } from 'hono'`],
    ['pipelines reach for another part', 'pipelines/a.ts', `import { db } from '../server/db/connect.ts'`],
    ['the runner reaches for the server', 'runner/a.ts', `import type { Db } from '../server/db/connect.ts'`],
    ['the runner reaches for the database', 'runner/a.ts', `import pg from 'pg'`],
    [
      'the server reaches for the runner, late',
      'server/main.ts',
      `const run = await import('../runner/main.ts')`,
    ],
    ['the server reaches for Docker', 'server/runs/a.ts', `import Docker from 'dockerode'`],
    ['the dashboard runs code of the server', 'ui/api.ts', `import { createApp } from '../server/app.ts'`],
    [
      'the dashboard runs code of the server under a type’s name',
      'ui/api.ts',
      `import { type Api } from '../server/app.ts'`,
    ],
    [
      'the dashboard takes types from elsewhere in the server',
      'ui/api.ts',
      `import type { Db } from '../server/db/connect.ts'`,
    ],
    [
      'a component reaches for Node',
      'ui/A.svelte',
      `<script lang="ts">\n  import fs from 'node:fs'\n</script>`,
    ],
    [
      'it is written over several lines',
      'runner/a.ts',
      `import {\n  connect,\n  type Db,\n} from '../server/db/connect.ts'`,
    ],
    ['it is only passed on', 'runner/a.ts', `export { connect } from '../server/db/connect.ts'`],
    ['it is only for its effect', 'runner/a.ts', `import '../server/log.ts'`],
  ])('%s', (_, path, text) => expect(foreignImports(world({ [path]: text }))).toHaveLength(1))

  test.each([
    ['the dashboard takes the API’s type', 'ui/api.ts', `import type { Api } from '../server/app.ts'`],
    ['a comment tells of it', 'pipelines/a.ts', `// import { join } from 'node:path'\n/* import 'hono' */`],
    [
      'pipelines are named by their short name',
      'runner/a.ts',
      `import { after } from '#pipelines/states.ts'`,
    ],
    ['tests look everywhere', 'test/a.test.ts', `import { db } from '../server/db/connect.ts'`],
  ])('not when %s', (_, path, text) => expect(foreignImports(world({ [path]: text }))).toEqual([]))
})

describe('inside the server it is a trespass', () => {
  test.each([
    ['to import a slice to the right', 'server/runs/a.ts', `import { b } from '../scheduler/b.ts'`],
    ['to import a type from the right', 'server/db/a.ts', `import type { Api } from '../app.ts'`],
    ['to call the command', 'server/main.ts', `import { note } from './command/print.ts'`],
    ['to stand outside the table', 'server/extras/a.ts', ''],
  ])('%s', (_, path, text) => expect(rightwardImports(world({ [path]: text }))).toHaveLength(1))

  test('but not to import leftward, or a neighbour', () => {
    const good = {
      'server/runs/a.ts': `import { b } from './b.ts'\nimport { connect } from '../db/connect.ts'`,
      'server/config.ts': `import { log } from './log.ts'`,
      'server/log.ts': `import type { Config } from './config.ts'`,
    }
    expect(rightwardImports(world(good))).toEqual([])
  })
})

test('a circle is found through any number of files, and types make none', () => {
  const ring = {
    'runner/a.ts': `import './b.ts'`,
    'runner/b.ts': `import './c.ts'`,
    'runner/c.ts': `export * from './a.ts'`,
  }
  expect(circles(world(ring))).toEqual(['runner/a.ts → runner/b.ts → runner/c.ts → runner/a.ts'])
  expect(circles(world({ ...ring, 'runner/c.ts': `import type { A } from './a.ts'` }))).toEqual([])
})

test.each([
  'server/utils.ts',
  'ui/common/a.ts',
  'runner/types.ts',
  'server/runs/index.ts',
  'server/run-manager.ts',
  'ui/user-info.ts',
])('%s is a bag', (path) => expect(bags(world({ [path]: '' }))).toEqual([path]))
test('a name that only contains such a word is none', () =>
  expect(
    bags(world({ 'server/database.ts': '', 'ui/Typesetter.svelte': '', 'test/vitest.config.ts': '' })),
  ).toEqual([]))

test('a file of 301 lines is too long, one of 300 is not', () => {
  const lines = (count: number) => 'x\n'.repeat(count)
  expect(longFiles(world({ 'ui/a.css': lines(301), 'ui/b.css': lines(300) }))).toEqual(['ui/a.css'])
})

test.each(['// TODO', '/* FIXME later */', '// @ts-ignore', '// @ts-nocheck'])(
  '%s puts a question off',
  (text) => expect(silenced(world({ 'server/a.ts': text }))).toHaveLength(1),
)

describe('the rules catch', () => {
  test.each([
    [
      'the environment is read in one place per program',
      'server/db/a.ts',
      'const url = process.env.DATABASE_URL',
    ],
    ['the environment is read in one place per program', 'runner/a.ts', `const url = process['env']['X']`],
    ['the environment is read in one place per program', 'runner/a.ts', `import { env } from 'node:process'`],
    ['pipelines know no clock, no chance and no machine', 'pipelines/a.ts', 'const now = Date.now()'],
    ['pipelines know no clock, no chance and no machine', 'pipelines/a.ts', 'const now = new Date()'],
    ['pipelines know no clock, no chance and no machine', 'pipelines/a.ts', 'const dice = Math.random()'],
    ['default exports are for tools that insist on them', 'server/a.ts', 'export default function a() {}'],
    ['nothing is of type any', 'server/a.ts', 'function a(b: any) {}'],
    ['nothing is of type any', 'ui/A.svelte', '<script lang="ts">let a = b as any\n</script>'],
    ['nothing is of type any', 'server/a.ts', 'const a: Record<string, any> = {}'],
    ['nothing is of type any', 'server/a.ts', 'type A = any[]'],
    ['outside text becomes text nodes', 'ui/A.svelte', '<p>{@html title}</p>'],
    ['outside text becomes text nodes', 'ui/a.ts', 'node.innerHTML = title'],
  ])('%s: %s %s', (name, path, text) =>
    expect(breaking(world({ [path]: text }), RULES[name]!)).toEqual([path]),
  )

  test.each([
    ['the environment is read in one place per program', 'runner/config.ts', 'const url = process.env.X'],
    [
      'pipelines know no clock, no chance and no machine',
      'pipelines/a.ts',
      '// never Date.now()\nconst at = new Date(given)',
    ],
    ['nothing is of type any', 'server/a.ts', `const words = 'as any'\n// of: any\nconst any = 1`],
  ])('but not %s: %s', (name, path, text) =>
    expect(breaking(world({ [path]: text }), RULES[name]!)).toEqual([]),
  )
})

describe('the state of a run is written by', () => {
  const update = (set: string) =>
    `await tx.updateTable('runs')${set}.where('state', '=', 'running').execute()`
  test.each([
    ['a plain set', update(`.set({ state: 'failed' })`)],
    ['a set among others', update(`.set({ ended_at: now(sql), state })`)],
    ['a set by name', update(`.set('state', 'failed')`)],
    ['a set of something prepared', update('.set(change)')],
    ['a set with something spread', update('.set({ ...change })')],
    ['a set by expression', update(`.set((eb) => ({ state: eb.val('failed') }))`)],
    ['an alias', `tx.updateTable('runs as r').set({ state: 'failed' }).execute()`],
    ['a chain over lines', `tx\n  .updateTable('runs')\n  .set({\n    state: 'failed',\n  })\n  .execute()`],
    [
      'an upsert',
      `tx.insertInto('runs').values(a).onConflict((c) => c.doUpdateSet({ state: 'failed' })).execute()`,
    ],
    [
      'SQL of its own',
      'await sql`update runs set ended_at = now(), state = ${to} where id = ${id}`.execute(tx)',
    ],
  ])('%s', (_, text) =>
    expect(stateWriters(world({ 'server/runners/a.ts': text }))).toEqual(['server/runners/a.ts']),
  )

  test.each([
    ['a condition on it', update('.set({ heard_seq: 1 })')],
    ['a condition in SQL', "await sql`update runs set heard_seq = 1 where state = 'running'`.execute(tx)"],
    ['another table’s state', `tx.updateTable('steps').set({ state: 'failed' }).execute()`],
    ['its creation', `tx.insertInto('runs').values({ state: 'queued' }).execute()`],
  ])('not by %s', (_, text) => expect(stateWriters(world({ 'server/runners/a.ts': text }))).toEqual([]))

  test('the real writer, were it elsewhere', () => {
    const text = house.get('server/runs/move.ts')!
    expect(stateWriters(world({ 'server/runs/other.ts': text }))).toEqual(['server/runs/other.ts'])
  })
  test('move.ts alone', () =>
    expect(stateWriters(world({ 'server/runs/move.ts': update(`.set({ state: 'failed' })`) }))).toEqual([]))
})
