import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { billOf, packagesOfPages } from '../../server/command/sbom.ts'

type Bill = {
  readonly components: readonly {
    readonly 'bom-ref': string
    readonly purl: string
    readonly hashes: readonly { readonly alg: string; readonly content: string }[]
  }[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}
const at = (path: string) => new URL(`../../${path}`, import.meta.url)
const json = async (path: string) => JSON.parse(await readFile(at(path), 'utf8'))
const bill = async () => billOf(await json('package-lock.json'), await packagesOfPages()) as Bill

/** What the programs load, by the packages as they lie there: an account of its own, which knows no lockfile. */
async function loaded(): Promise<Set<string>> {
  const found = new Set<string>()
  async function follow(folder: string): Promise<void> {
    const { dependencies = {}, optionalDependencies = {} } = await json(`${folder}package.json`)
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const there = await look(name, folder)
      if (there === null) continue // of another machine
      const { version } = await json(`${there}package.json`)
      if (found.has(`${name}@${version}`)) continue
      found.add(`${name}@${version}`)
      await follow(there)
    }
  }
  async function look(name: string, folder: string): Promise<string | null> {
    const there = `${folder}node_modules/${name}/`
    const isThere = await readFile(at(`${there}package.json`)).then(
      () => true,
      () => false, // looked for in the folder above
    )
    if (isThere) return there
    return folder === '' ? null : look(name, folder.replace(/node_modules\/(@[^/]+\/)?[^/]+\/$/, ''))
  }
  await follow('')
  return found
}

test('the bill of materials names all that the programs load, with the digest that it is installed by', async () => {
  const { components } = await bill()
  const named = new Set(components.map((each) => each['bom-ref']))
  expect([...(await loaded())].filter((ref) => !named.has(ref))).toEqual([])
  expect(named.size).toBe(components.length)
  for (const { hashes } of components)
    expect(hashes).toEqual([{ alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) }])
  const { packages } = await json('package-lock.json')
  const zod = components.find(({ purl }) => purl.startsWith('pkg:npm/zod@'))
  const content = Buffer.from(packages['node_modules/zod'].integrity.slice(7), 'base64').toString('hex')
  expect(zod?.hashes[0]?.content).toBe(content)
})

test('what only builds and tests stands in no bill of materials, and what one needs is in it', async () => {
  const { components, dependencies } = await bill()
  const named = components.map((each) => each['bom-ref'])
  for (const name of ['vite', 'vitest', 'prettier', 'playwright-core', 'axe-core'])
    expect(named.filter((ref) => ref.startsWith(`${name}@`))).toEqual([])
  const known = new Set(named)
  for (const { dependsOn } of dependencies) for (const ref of dependsOn) expect(known).toContain(ref)
  const needs = (name: string) => dependencies.find(({ ref }) => ref.startsWith(`${name}@`))?.dependsOn
  expect(needs('openid-client')).toContainEqual(expect.stringMatching(/^jose@/))
  expect(needs('takt')).toContainEqual(expect.stringMatching(/^nodemailer@/))
})

test('what is built into the dashboard’s pages stands in the bill, with what that needs', async () => {
  const named = (await bill()).components.map((each) => each['bom-ref'])
  for (const name of ['svelte', '@xterm/xterm', '@codemirror/view', 'style-mod', '@dagrejs/dagre', 'virtua'])
    expect(named).toContainEqual(expect.stringMatching(new RegExp(`^${name}@`)))
})

test('a package that no digest pins is in no bill: it could be anything', () => {
  const packages = { '': { name: 'takt', version: '1.0.0' }, 'node_modules/a': { version: '1.0.0' } }
  expect(() => billOf({ packages })).toThrow('a@1.0.0 has no sha512')
})

test('every package is asked for by one exact version, and locked by a digest, none of them abandoned', async () => {
  const { dependencies, devDependencies, optionalDependencies } = await json('package.json')
  const asked = Object.entries<string>({ ...dependencies, ...devDependencies, ...optionalDependencies })
  expect(asked.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([])
  const locked = Object.entries<Record<string, unknown>>((await json('package-lock.json')).packages).slice(1)
  expect(locked.filter(([, { integrity }]) => !String(integrity).startsWith('sha512-'))).toEqual([])
  expect(locked.filter(([, { deprecated }]) => deprecated !== undefined)).toEqual([])
})
