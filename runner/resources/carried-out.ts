import type { Get, Put } from '#pipelines/wire/plan.ts'
import type { PutSaid } from '#pipelines/wire/puts.ts'
import type { CallServer } from '../call-server.ts'
import type { Checkouts } from '../checkout.ts'
import { EngineError } from '../engine.ts'
import type { Fields, Place, Resources } from '../resources.ts'
import { getCustom, putCustom } from './custom.ts'
import { getFolder, putFolder } from './folder.ts'
import { getGit } from './git/get.ts'
import { putGit } from './git/put.ts'
import { putImage } from './image/put.ts'
import type { Machine } from './program.ts'
import { recordPut } from './record-put.ts'

export type ResourceFacts = {
  /** Null where runs are carried out without Docker: images can be neither run nor built. */
  readonly machine: Machine | null
  readonly checkouts: Checkouts
  readonly call: CallServer
}

/** Gets and puts of every kind. What a put has made is recorded by the server before it ends. */
export function carriedOut(facts: ResourceFacts): Resources {
  return {
    get: (get, at) => getVersion(facts, get, at),
    async put(put, at) {
      const said = await putVersion(facts, put, at)
      const made = await recordPut(facts.call, { resource: put.resource, said }, at)
      await at.write(Buffer.from(`${put.resource}: ${made.version}\n`))
      if (put.kind === 'custom' && said.kind === 'custom') await getAfter(facts, put, said.version, at)
      return made
    },
  }
}

async function getVersion({ machine, checkouts, call }: ResourceFacts, get: Get, at: Place): Promise<Fields> {
  switch (get.kind) {
    case 'values':
      return {}
    case 'git':
      return getGit(checkouts, get, at)
    case 'files':
    case 'state':
      return getFolder(call, get, at)
    case 'custom':
      return getCustom(dockerFor(machine, get.resource), get, at)
  }
}

async function putVersion(
  { machine, checkouts, call }: ResourceFacts,
  put: Put,
  at: Place,
): Promise<PutSaid> {
  switch (put.kind) {
    case 'image': {
      const { digest, tags, built } = await putImage(dockerFor(machine, put.resource), put, at)
      return { kind: 'image', digest, tags: [...tags], built }
    }
    case 'git':
      return { kind: 'git', ...(await putGit(checkouts, put, at)) }
    case 'semver':
      return { kind: 'semver', bump: put.bump, pre: put.pre }
    case 'params':
      return { kind: 'params', set: put.set, overwrite: put.overwrite }
    case 'files':
      return { kind: 'files', folder: await putFolder(call, put, at) }
    case 'state': {
      const folder = put.paths.length > 0 ? await putFolder(call, put, at) : null
      return { kind: 'state', folder, set: put.set }
    }
    case 'custom': {
      const { version, metadata } = await putCustom(dockerFor(machine, put.resource), put, at)
      return { kind: 'custom', version, metadata: [...metadata] }
    }
  }
}

type CustomPut = Extract<Put, { kind: 'custom' }>

/** As in Concourse, what was put is got at once, so that later steps find it; `no_get` says that nobody wants it. */
async function getAfter(
  { machine }: ResourceFacts,
  { params, ...put }: CustomPut,
  version: Readonly<Record<string, string>>,
  at: Place,
): Promise<void> {
  if (params['no_get'] === true) return
  const told = params['get_params']
  const isTree = typeof told === 'object' && told !== null && !Array.isArray(told)
  await getCustom(dockerFor(machine, put.resource), { ...put, version, params: isTree ? told : {} }, at)
}

function dockerFor(machine: Machine | null, resource: string): Machine {
  if (machine) return machine
  const sentence = `\`${resource}\` needs a runner with Docker; this one carries runs out as plain processes.`
  throw new EngineError('resource_needs_docker', sentence)
}
