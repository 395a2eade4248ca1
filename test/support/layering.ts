import { dirname, normalize } from 'node:path/posix'

/** The sources of a house, by path; the checks below take any, so that tests can build small bad ones. */
export type House = ReadonlyMap<string, string>
export type Import = { readonly from: string; readonly to: string; readonly types: boolean }

/** Who may import whom, besides itself: parts and packages. `types:` lets types through and nothing that runs. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  pipelines: ['zod', 'yaml', 'fastest-levenshtein', 'saxes'],
  server: [
    'pipelines',
    'node:',
    'zod',
    'ws',
    'hono',
    '@hono',
    'kysely',
    'pg',
    'pg-copy-streams',
    '@octokit',
    'pino',
    'commander',
    'tar-stream',
    'aws4fetch',
    'diff',
    'nodemailer',
    'openid-client',
    '@redis/client',
    'kafkajs',
    'undici',
    '@aws-sdk/client-secrets-manager',
    'google-auth-library',
  ],
  runner: [
    'pipelines',
    'node:',
    'zod',
    'ws',
    'dockerode',
    'tar-fs',
    'tar-stream',
    'pino',
    '@balena/dockerignore',
    '@grpc',
    'protobufjs',
  ],
  ui: [
    ...['pipelines', 'types:server/app.ts', 'svelte', 'hono', 'zod', 'virtua', 'diff'],
    ...['@dagrejs', '@xterm', '@codemirror', '@lezer'],
  ],
}
/** Tools that build the dashboard; only its build file knows them. */
const BUILD_FILE = { path: 'ui/vite.config.ts', may: ['vite', '@sveltejs', 'node:'] }

/** Inside the server a slice may import itself and what stands to its left. */
export const SERVER_ORDER = [
  ...[
    'log',
    'problem',
    'config',
    'db',
    'http',
    'events',
    'forges',
    'audit',
    'access',
    'policies',
    'catalog',
    'organizations',
    'secrets',
    'values',
    'resources',
    'runs',
    'files',
    'attestations',
    'versions',
    'upstreams',
    'lines',
    'states',
    'reports',
    'tallies',
  ],
  ...[
    'gates',
    'logs',
    'scheduler',
    'acts',
    'schedules',
    'checks',
    'sources',
    'runners',
    'terminals',
    'pulls',
    'webhooks',
    'hosting',
    'editor',
    'statuses',
    'notices',
    'live',
    'app',
    'main',
    'command',
  ],
]
/** These three are the left end together; none is a slice. */
const LEFT_END = 3

const TOKENS =
  /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[^]*?\*\/|<!--[^]*?-->/g
const withoutComments = (text: string) =>
  text.replace(TOKENS, (token) => (/^(\/\/|\/\*|<!)/.test(token) ? '' : token))
const withoutStrings = (text: string) => text.replace(TOKENS, (token) => (/^['"`]/.test(token) ? "''" : ''))

export function importsOf(house: House): Import[] {
  return [...house].flatMap(([from, source]) => {
    if (!/\.(ts|mjs|svelte)$/.test(from)) return []
    const text = withoutComments(source)
    const named = text.matchAll(
      /(?:^|[\n;>])\s*(?:import|export)\s+(type\s)?[\w$*\s{},]*?\bfrom\s*(['"])([^'"]+)\2/g,
    )
    const bare = text.matchAll(/(?:^|[\n;>])\s*import\s*()(['"])([^'"]+)\2/g)
    const late = text.matchAll(/\bimport\(\s*()(['"])([^'"]+)\2/g)
    return [...named, ...bare, ...late].map(([, types, , spec = '']) => ({
      from,
      to: target(from, spec),
      types: Boolean(types),
    }))
  })
}

function target(from: string, spec: string): string {
  if (spec.startsWith('#pipelines/')) return spec.slice(1)
  return spec.startsWith('.') ? normalize(`${dirname(from)}/${spec}`) : spec
}

const partOf = (path: string) => path.split('/')[0] ?? path
const isFile = (path: string) =>
  /^(pipelines|server|runner|ui|test|migrations)\//.test(path) || path === 'package.json'

/** Imports that the table does not know. */
export function foreignImports(house: House): string[] {
  return importsOf(house)
    .filter((found) => !mayImport(found))
    .map(({ from, to }) => `${from} imports ${to}`)
}

function mayImport({ from, to, types }: Import): boolean {
  const part = partOf(from)
  if (part === 'test' || to === 'package.json' || (isFile(to) && partOf(to) === part)) return true
  const may = [...(MAY_IMPORT[part] ?? []), ...(from === BUILD_FILE.path ? BUILD_FILE.may : [])]
  if (may.includes(`types:${to}`)) return types
  if (isFile(to)) return may.includes(partOf(to))
  return may.some((name) =>
    name.endsWith(':') ? to.startsWith(name) : to === name || to.startsWith(`${name}/`),
  )
}

/** Server files in no known slice, and imports that go right. */
export function rightwardImports(house: House): string[] {
  const unknown = [...house.keys()].filter((path) => partOf(path) === 'server' && rankOf(path) < 0)
  const rightward = importsOf(house).filter(
    ({ from, to }) => partOf(from) === 'server' && partOf(to) === 'server' && rankOf(to) > rankOf(from),
  )
  return [
    ...unknown.map((path) => `${path} is in no slice of the table`),
    ...rightward.map(({ from, to }) => `${from} imports ${to}, which stands to its right`),
  ]
}

function rankOf(path: string): number {
  const slice = path.split('/')[1]?.replace(/\.(ts|mjs)$/, '') ?? ''
  const rank = SERVER_ORDER.indexOf(slice)
  return rank < LEFT_END ? Math.min(rank, 0) : rank
}

/** Files that need each other to be loaded. Types need nobody. */
export function circles(house: House): string[] {
  const next = Map.groupBy(
    importsOf(house).filter(({ to, types }) => !types && house.has(to)),
    ({ from }) => from,
  )
  const done = new Set<string>()
  const found: string[] = []
  const visit = (path: string, trail: readonly string[]) => {
    const since = trail.indexOf(path)
    if (since >= 0) found.push([...trail.slice(since), path].join(' → '))
    if (since >= 0 || done.has(path)) return
    for (const { to } of next.get(path) ?? []) visit(to, [...trail, path])
    done.add(path)
  }
  for (const path of house.keys()) visit(path, [])
  return found
}

const BAG = /^(utils?|helpers?|common|types|index|misc)$/
const NOISE = /(^|-)(manager|service|handler|base|data|info)(-|$)/
/** Files and folders whose names say nothing. */
export function bags(house: House): string[] {
  const names = (path: string) =>
    path.split('/').map((name) => name.replace(/(\.svelte|\.test|\.config)?\.\w+$/, ''))
  return [...house.keys()].filter((path) => names(path).some((name) => BAG.test(name) || NOISE.test(name)))
}

export const MOST_LINES = 300
export const longFiles = (house: House): string[] =>
  [...house].filter(([, text]) => text.trimEnd().split('\n').length > MOST_LINES).map(([path]) => path)

type Rule = {
  readonly where: RegExp
  readonly except?: RegExp
  readonly never: RegExp
  readonly strings?: 'count'
}

/** Words that stand for something we do not do, and where. */
export const RULES: Readonly<Record<string, Rule>> = {
  'the environment is read in one place per program': {
    where: /^(server|runner|ui|pipelines)\//,
    except: /^(server\/config\.ts|runner\/config\.ts|server\/command\/(config\.ts|launch\.mjs))$/,
    never: /\bprocess\s*(\.|\?\.|\[)\s*['"]?env\b|\benv\b[^;\n]*from 'node:process'/,
    strings: 'count',
  },
  'pipelines know no clock, no chance and no machine': {
    where: /^pipelines\//,
    never:
      /\b(Date\.now|new Date\b(?!\([^)])|Math\.random|performance\.|process\.|crypto\.|setTimeout|setInterval|fetch\()/,
  },
  'default exports are for tools that insist on them': {
    where: /\.ts$/,
    except: /^(ui\/vite\.config|test\/vitest\.config|test\/support\/global-setup)\.ts$/,
    never: /\bexport default\b|\bexport \{[^}]*\bas default\b/,
  },
  'nothing is of type any': {
    where: /\.(ts|svelte)$/,
    never: /(?::|<|\bas|\||&|,|=)\s*any\b(?=\s*(?:[,;)>\]|&=[{]|$))/m,
  },
  'outside text becomes text nodes': {
    where: /^ui\//,
    never: /\{@html|\.(inner|outer)HTML\s*=|insertAdjacentHTML/,
  },
}

/** Files that say what a rule forbids. */
export function breaking(house: House, rule: Rule): string[] {
  const read = rule.strings === 'count' ? withoutComments : withoutStrings
  const meant = [...house].filter(([path]) => rule.where.test(path) && !rule.except?.test(path))
  return meant.filter(([, text]) => rule.never.test(read(text))).map(([path]) => path)
}

const SILENCED = /@ts-(ignore|nocheck)|\b(TODO|FIXME|XXX)\b/
/** Comments that put a question off instead of answering it. */
export const silenced = (house: House): string[] =>
  [...house].filter(([path, text]) => partOf(path) !== 'test' && SILENCED.test(text)).map(([path]) => path)

const STATE_WRITER = 'server/runs/move.ts'
/**
 * Files besides move.ts that write `runs.state`. A `.set` on runs whose keys cannot be seen counts as one that does, and so
 * does SQL of one's own.
 */
export function stateWriters(house: House): string[] {
  const others = [...house].filter(
    ([path]) => /^(server|test\/support)\/.*\.ts$/.test(path) && path !== STATE_WRITER,
  )
  return others.filter(([, text]) => writesState(withoutComments(text))).map(([path]) => path)
}

const RAW_UPDATE = /\bupdate\s+(only\s+)?("?\w+"?\.)?"?runs"?\s[^;`]*?\bset\b[^;`]*?\bstate\b\s*=(?!=)/i
const CHAIN_END = String.raw`(?:\w+\.)?runs\b[^]*?(?=\.execute|\n\n|$)`
const UPDATES = new RegExp(String.raw`\b(?:updateTable|mergeInto)\(\s*['"\`]${CHAIN_END}`, 'g')
const INSERTS = new RegExp(String.raw`\binsertInto\(\s*['"\`]${CHAIN_END}`, 'g')

function writesState(text: string): boolean {
  const sets = (chain: string, name: string) => chain.split(`.${name}(`).slice(1).map(argument)
  return (
    RAW_UPDATE.test(beforeWhere(text)) ||
    [...text.matchAll(UPDATES)].some(([chain]) => sets(chain, 'set').some(mayHoldState)) ||
    [...text.matchAll(INSERTS)].some(([chain]) => sets(chain, 'doUpdateSet').some(mayHoldState))
  )
}

/** Conditions may name the state as they like. */
const beforeWhere = (text: string) => text.replace(/\bwhere\b[^;`]*/gi, '')

/** What stands between the bracket that was just opened and its partner. */
function argument(rest: string): string {
  let depth = 1
  for (const [index, letter] of [...rest].entries()) {
    depth += letter === '(' ? 1 : letter === ')' ? -1 : 0
    if (depth === 0) return rest.slice(0, index)
  }
  return rest
}

const mayHoldState = (given: string) =>
  !/^\s*(\{|['"]|\(\w+\)\s*=>\s*\(\s*\{)/.test(given) ||
  /\.\.\./.test(given) ||
  /(^|[{,\s])['"]?state['"]?\s*([:,}]|$)/.test(given)
