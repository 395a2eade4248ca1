import { readdir, readFile } from 'node:fs/promises'
import { z } from 'zod'

const Names = z.record(z.string(), z.string()).default({})
const Locked = z.object({
  name: z.string().optional(),
  version: z.string().default('0.0.0'),
  license: z.string().optional(),
  integrity: z.string().optional(),
  dev: z.boolean().default(false),
  optional: z.boolean().default(false),
  dependencies: Names,
  optionalDependencies: Names,
  peerDependencies: Names,
})
type Locked = z.output<typeof Locked>
const Lock = z.object({ packages: z.record(z.string(), Locked) })

/** A package in the lockfile: where npm lays it out, and what is said of it there. */
type Place = { readonly path: string; readonly locked: Locked }

/**
 * What Takt is made of, by its lockfile alone and the same for the same lockfile: CycloneDX 1.5, each package with the digest that
 * `npm ci` checks it by. What only builds and tests is no part of it; what does that as well as run is.
 *
 * @param pages  The packages that the dashboard's pages name: with all that those need they are built into what browsers load.
 */
export function billOf(lockfile: unknown, pages: readonly string[] = []): object {
  const { packages } = Lock.parse(lockfile)
  const { '': root, ...rest } = packages
  if (!root) throw new Error('the lockfile does not say what it is the lockfile of')
  const all = new Map(Object.entries(rest).map(([path, locked]): [string, Place] => [path, { path, locked }]))
  const shown = neededBy(pages, all)
  const places = [...all.values()].filter((place) => !place.locked.dev || shown.has(place))
  const once = new Map(places.map((place) => [refOf(place), place]))
  const paths = new Map(places.map((place) => [place.path, place]))
  return {
    ...{ $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json', bomFormat: 'CycloneDX' },
    ...{ specVersion: '1.5', version: 1 },
    metadata: { component: { type: 'application', ...named(refOf({ path: '', locked: root }), root, '') } },
    components: [...once].toSorted(byRef).map(([ref, place]) => componentOf(ref, place)),
    dependencies: [
      dependencyOf(refOf({ path: '', locked: root }), { path: '', locked: root }, paths),
      ...[...once].toSorted(byRef).map(([ref, place]) => dependencyOf(ref, place, paths)),
    ],
  }
}

const byRef = ([a]: readonly [string, Place], [b]: readonly [string, Place]) => (a < b ? -1 : 1)

/** The package's own name, which is that of its folder unless it says another one. */
const nameOf = ({ path, locked }: Place): string => locked.name ?? path.split('node_modules/').at(-1) ?? ''
const refOf = (place: Place): string => `${nameOf(place)}@${place.locked.version}`

function named(ref: string, { version, license }: Locked, path: string): object {
  const [scope, plain] = ref.startsWith('@') ? ref.split('/', 2) : [undefined, ref]
  const name = (plain ?? '').replace(/@[^@]*$/, '')
  return {
    ...{ 'bom-ref': ref, ...(scope === undefined ? {} : { group: scope }), name, version },
    purl: `pkg:npm/${scope === undefined ? '' : `${encodeURIComponent(scope)}/`}${name}@${version}`,
    ...(license === undefined ? {} : { licenses: [licenseOf(license)] }),
    ...(path === '' ? {} : { properties: [{ name: 'cdx:npm:package:path', value: path }] }),
  }
}

/** One licence by its SPDX name; several in one expression. */
const licenseOf = (license: string) =>
  /[\s()]/.test(license) ? { expression: license } : { license: { id: license } }

function componentOf(ref: string, { path, locked }: Place): object {
  return {
    type: 'library',
    scope: locked.optional ? 'optional' : 'required',
    ...named(ref, locked, path),
    hashes: hashesOf(ref, locked.integrity),
  }
}

/** `sha512-<base64>`, as CycloneDX writes it. @throws Where a package has no digest: it could be anything. */
function hashesOf(ref: string, integrity: string | undefined): object[] {
  const [kind, base64] = integrity?.split('-', 2) ?? []
  if (kind !== 'sha512' || base64 === undefined)
    throw new Error(`${ref} has no sha512 in the lockfile: install it anew`)
  return [{ alg: 'SHA-512', content: Buffer.from(base64, 'base64').toString('hex') }]
}

function dependencyOf(ref: string, place: Place, paths: ReadonlyMap<string, Place>): object {
  const { dependencies, optionalDependencies, peerDependencies } = place.locked
  const wanted = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })
  const found = wanted.flatMap((name) => {
    const there = resolved(name, place.path, paths)
    return there ? [refOf(there)] : [] // a peer that nobody brought
  })
  return { ref, dependsOn: [...new Set(found)].toSorted() }
}

/** Packages with all that they need, and that in turn. */
function neededBy(names: readonly string[], paths: ReadonlyMap<string, Place>): ReadonlySet<Place> {
  const needed = new Set<Place>()
  const follow = (wanted: readonly string[], from: string) => {
    for (const name of wanted) {
      const there = resolved(name, from, paths)
      if (!there || needed.has(there)) continue
      needed.add(there)
      follow(Object.keys(there.locked.dependencies), there.path)
    }
  }
  follow(names, '')
  return needed
}

/** The package that a name means in a folder: as Node looks for it, there and then in each folder above. */
function resolved(name: string, from: string, paths: ReadonlyMap<string, Place>): Place | undefined {
  const here = paths.get(`${from === '' ? '' : `${from}/`}node_modules/${name}`)
  if (here || from === '') return here
  const above = from.lastIndexOf('node_modules/')
  return resolved(name, from.slice(0, Math.max(0, above - 1)), paths)
}

const UI = new URL('../../ui/', import.meta.url)
const IMPORT = /(?:from|import)\s*\(?\s*'((?:@[a-z0-9._-]+\/)?[a-z0-9._-]+)(?:\/[^']*)?'/g

/** The packages that the sources of the dashboard name. */
export async function packagesOfPages(): Promise<string[]> {
  const found = new Set<string>()
  for (const file of await readdir(UI, { recursive: true })) {
    if (!/\.(ts|svelte)$/.test(file) || /^dist\b|^vite\.config/.test(file)) continue
    const source = await readFile(new URL(file, UI), 'utf8')
    for (const [, name = ''] of source.matchAll(IMPORT)) if (!name.startsWith('.')) found.add(name)
  }
  return [...found].toSorted()
}

if (import.meta.main) {
  const lockfile = await readFile(new URL('../../package-lock.json', import.meta.url), 'utf8')
  process.stdout.write(`${JSON.stringify(billOf(JSON.parse(lockfile), await packagesOfPages()), null, 2)}\n`)
}
