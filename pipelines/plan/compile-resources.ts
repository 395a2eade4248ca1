import { withSecrets } from '../language/expression/secret-values.ts'
import type { Resource } from '../language/resource.ts'
import type { Values } from '../language/expression/interpolate.ts'
import type { Tree } from '../language/shape/scalars.ts'
import type { Step } from '../language/step.ts'
import type { Checkout, Get, Put } from '../wire/plan.ts'
import { type Ask, entriesIn, textsIn, treeIn } from './compile-ask.ts'
import { customType } from './custom-type.ts'
import { imageIn } from './compile-image.ts'
import type { CompileFacts, InputFacts } from './compile-facts.ts'
import { putIn } from './put-in.ts'
import { loginIn, secretIn, type SecretFacts } from './secrets-in.ts'

export type ResourceFacts = Pick<
  CompileFacts,
  'known' | 'inputs' | keyof SecretFacts | 'remotes' | 'lane'
> & {
  readonly values: Values
}

type InputsFacts = Pick<CompileFacts, 'known' | 'inputs' | 'job' | keyof SecretFacts> & {
  readonly values: Values
}

/** The run's working directory, and what else is fetched before its first step. */
export function getsOfRun(
  ask: Ask,
  facts: InputsFacts,
): { readonly checkout: Checkout | null; readonly gets: Get[] } {
  const main = facts.inputs.find((input) => input.checkout !== null)
  const rest = facts.inputs.filter((input) => input !== main)
  const paramsOf = ({ resource }: InputFacts): Params =>
    facts.job.gets.find((get) => get.resource === resource)?.params ?? {}
  const checkout = main ? checkoutOf(ask, main, facts) : null
  return { checkout, gets: rest.map((input) => getOf(ask, input, { ...facts, params: paramsOf(input) })) }
}

export function getOfStep(
  ask: Ask,
  { resource, params }: Extract<Step, { kind: 'get' }>,
  facts: Omit<InputsFacts, 'job'>,
): Get {
  const input = facts.inputs.find((each) => each.resource === resource)
  if (input) return getOf(ask, input, { ...facts, params })
  return ask({ impossible: `the step gets \`${resource}\`, which is no input of this run` })
}

type GetFacts = Pick<CompileFacts, 'known' | keyof SecretFacts> & {
  readonly values: Values
  readonly params: Params
}

function getOf(ask: Ask, input: InputFacts, facts: GetFacts): Get {
  const resource = resourceOf(ask, input.resource, facts)
  const at = { resource: resource.name, version: input.version }
  switch (resource.kind) {
    case 'git':
      return { kind: 'git', resource: resource.name, checkout: checkoutOf(ask, input, facts) }
    case 'files':
    case 'state':
      return { kind: resource.kind, ...at }
    case 'custom':
      return {
        kind: 'custom',
        resource: resource.name,
        version: { ...input.fields },
        params: treeIn(ask, facts.params, { values: facts.values, where: `get.${resource.name}` }) as Source,
        ...typeOf(ask, resource, facts),
      }
    default:
      return { kind: 'values', ...at }
  }
}

function checkoutOf(
  ask: Ask,
  { checkout, version, resource: name }: InputFacts,
  facts: Pick<CompileFacts, 'known' | keyof SecretFacts>,
): Checkout {
  const resource = resourceOf(ask, name, facts)
  if (resource.kind !== 'git' || checkout === null)
    return ask({ impossible: `\`${name}\` is no git resource in this run's revision` })
  const { depth, submodules, lfs, login } = resource
  const credential = loginIn(ask, login, facts) ?? checkout.credential
  return { ...checkout, credential, sha: version, depth, submodules, lfs }
}

const resourceOf = (ask: Ask, name: string, { known }: Pick<CompileFacts, 'known'>): Resource =>
  known.resources.find((each) => each.name === name) ??
  ask({ impossible: `the run's revision has no resource \`${name}\`` })

type Custom = Extract<Resource, { kind: 'custom' }>
type Source = Extract<Get, { kind: 'custom' }>['source']

/** The image of a resource's type, what it is told, and what of that nobody may see. */
function typeOf(ask: Ask, resource: Custom, facts: Pick<CompileFacts, 'known' | keyof SecretFacts>) {
  const { image, source } =
    customType(resource, facts.known) ??
    ask({ impossible: `the run's revision has no resource type \`${resource.type}\`` })
  const hidden: string[] = []
  const told = withSecrets(source, (name) => {
    const secret = secretIn(ask, name, facts)
    hidden.push(secret)
    return secret
  })
  return { image, source: told as Source, ...(hidden.length > 0 ? { hidden } : {}) }
}

/** What a put is told, with its defaults; the language has seen to its form. */
type Params = Readonly<Record<string, Tree>>
const textOf = (tree: Tree | undefined): string | null => (typeof tree === 'string' ? tree : null)
/** As it was written: `true`, or the text of it. */
const isTrue = (tree: Tree | undefined): boolean => tree === true || tree === 'true'
const listOf = (tree: Tree | undefined): string[] =>
  Array.isArray(tree) ? tree.map(String) : typeof tree === 'string' ? [tree] : []
const mappingOf = (tree: Tree | undefined): Record<string, string> =>
  typeof tree === 'object' && tree !== null && !Array.isArray(tree)
    ? Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, String(value ?? '')]))
    : {}

export function putOfStep(ask: Ask, step: Extract<Step, { kind: 'put' }>, facts: ResourceFacts): Put {
  const resource = resourceOf(ask, step.resource, facts)
  const at = { values: facts.values, where: `put.${step.resource}` }
  const params: Params = step.params
  const told = (key: string): string | null => {
    const text = textOf(params[key])
    return text === null ? null : ask(putIn(text, facts.values, `${at.where}.${key}`))
  }
  const list = (key: string) => textsIn(ask, listOf(params[key]), { ...at, where: `${at.where}.${key}` })
  const mapping = (key: string) =>
    entriesIn(ask, mappingOf(params[key]), { ...at, where: `${at.where}.${key}` })
  const name = { resource: resource.name }
  switch (resource.kind) {
    case 'registry': {
      const context = told('build')
      return {
        kind: 'image',
        ...name,
        repository: resource.repository,
        build:
          context === null
            ? null
            : {
                context,
                dockerfile: told('dockerfile') ?? 'Dockerfile',
                target: told('target'),
                args: mapping('args'),
                platforms: list('platforms'),
              },
        image: imageIn(ask, textOf(params['image']), { ...at, where: `${at.where}.image` }),
        tags: list('tags'),
        credential: loginIn(ask, resource.login, facts),
      }
    }
    case 'git': {
      const remote = facts.remotes.get(resource.name)
      if (!remote) return ask({ impossible: `it is not known where \`${resource.name}\` is pushed to` })
      return {
        kind: 'git',
        ...name,
        url: remote.url,
        credential: loginIn(ask, resource.login, facts) ?? remote.credential,
        branch: told('branch') ?? resource.branch ?? facts.lane,
        tag: told('tag'),
        message: told('message') ?? 'Change what the job changed',
        paths: list('paths'),
      }
    }
    case 'semver': {
      const bump = told('bump') ?? 'patch'
      if (bump !== 'major' && bump !== 'minor' && bump !== 'patch' && bump !== 'final')
        return ask({ impossible: `\`${at.where}.bump\` became \`${bump}\`, which is no part of a version` })
      return { kind: 'semver', ...name, bump, pre: told('pre') }
    }
    case 'params':
      return { kind: 'params', ...name, set: mapping('set'), overwrite: isTrue(params['overwrite']) }
    case 'files':
      return { kind: 'files', ...name, paths: list('paths') }
    case 'state':
      return { kind: 'state', ...name, paths: list('paths'), set: mapping('set') }
    case 'custom': {
      const put = treeIn(ask, params, at)
      return { kind: 'custom', ...name, ...typeOf(ask, resource, facts), params: put as Source }
    }
    default:
      return ask({ impossible: `\`${resource.name}\` cannot be put: it only tells what happened` })
  }
}
