import { readFile } from 'node:fs/promises'
import { availableParallelism, hostname } from 'node:os'
import { expect, test } from 'vitest'
import type { z } from 'zod'
import { settings as commandSettings } from '../server/command/config.ts'
import { settings as serverSettings } from '../server/config.ts'
import { Settings as RunnerSettings } from '../runner/config.ts'

const PROGRAMS = { server: serverSettings, runner: RunnerSettings.shape, command: commandSettings }

/** The README's table, off the schemas: a row for each setting of each program. */
function table(): string {
  const rows = Object.entries(PROGRAMS).flatMap(([program, shape]) =>
    Object.entries(shape as Record<string, z.ZodType>).map(
      ([name, schema]) => `| ${program} | \`${name}\` | ${presetOf(schema)} | ${schema.description ?? ''} |`,
    ),
  )
  return ['| read by | setting | preset | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

/** What holds where nothing is set; what differs from machine to machine is told by the meaning. */
function presetOf(schema: z.ZodType): string {
  const read = schema.safeParse(undefined)
  if (!read.success || !['string', 'number'].includes(typeof read.data)) return ''
  const text = String(read.data)
  if (text === '' || text === hostname() || text === String(availableParallelism())) return ''
  return text.endsWith('/data') ? '`data` in the package' : `\`${text}\``
}

test('the README’s settings are those of the programs', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const printed = /<!-- settings: [^>]*-->([\s\S]*?)<!-- \/settings -->/.exec(readme)?.[1]
  expect(printed?.replace('<!-- prettier-ignore -->', '').trim()).toBe(table())
})

test('the README names every file it shows', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const named = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, path]) => path!)
  expect(named.length).toBeGreaterThan(0)
  for (const path of named) await readFile(new URL(`../${path}`, import.meta.url))
})
