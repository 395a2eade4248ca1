import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../support/until.ts'
import { run } from './test-image.ts'

export type Registry = AsyncDisposable & {
  /** `127.0.0.1:<port>` */
  readonly host: string
  readonly login: { readonly username: string; readonly password: string } | null
  /** What another program than ours finds there. */
  inspect(
    reference: string,
  ): Promise<{ readonly Digest: string; readonly Env: string[]; readonly Layers: string[] }>
  /** The paths of all files of an image, layer by layer. */
  filesOf(reference: string): Promise<string[]>
}

/** Why the tests that push cannot run here, or null. On CI that is no excuse. */
export async function whyNoRegistry(): Promise<string | null> {
  if (process.env['CI'] === 'true') return null
  for (const program of ['docker-registry', 'skopeo']) {
    const there = await run(program, ['--version']).then(
      () => true,
      () => false, // not installed
    )
    if (!there) return `${program} is not installed`
  }
  return null
}

const LOGIN = { username: 'takt', password: 'only-for-tests' }
/** Of that password: the registry reads bcrypt only, and no tool of the machine makes one. */
const BCRYPT = '$2b$04$tc0Kk9iq0xbBk2fUbZ3tmel2F0Yja1Wv.MC6/TzHocSZRc3ITDy0y'

/** A registry on this machine, with nothing in it. */
export async function serveRegistry({ closed }: { readonly closed: boolean }): Promise<Registry> {
  const folder = await mkdtemp(join(tmpdir(), 'takt-registry-'))
  const host = `127.0.0.1:${await freePort()}`
  const login = closed ? LOGIN : null
  await writeFile(join(folder, 'htpasswd'), `${LOGIN.username}:${BCRYPT}\n`)
  await writeFile(join(folder, 'config.yml'), configOf(folder, host, closed))
  const child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' })
  await until(() =>
    fetch(`http://${host}/v2/`).then(
      ({ status }) => status === 200 || status === 401,
      () => false,
    ),
  )
  const credential = login ? ['--creds', `${login.username}:${login.password}`] : []
  const skopeo = async (verb: string, ...args: string[]) =>
    (
      await run('skopeo', [
        verb,
        ...credential.map((word) => (verb === 'copy' ? word.replace('--creds', '--src-creds') : word)),
        ...args,
      ])
    ).stdout
  const inspect: Registry['inspect'] = async (reference) =>
    JSON.parse(await skopeo('inspect', '--tls-verify=false', `docker://${reference}`))
  return {
    host,
    login,
    inspect,
    filesOf: async (reference) => {
      const copy = join(folder, randomBytes(4).toString('hex'))
      await skopeo('copy', '--src-tls-verify=false', `docker://${reference}`, `dir:${copy}`)
      const { Layers } = await inspect(reference)
      const lists = await Promise.all(
        Layers.map((layer) => run('tar', ['-tzf', join(copy, layer.slice('sha256:'.length))])),
      )
      return lists.flatMap(({ stdout }) => stdout.trim().split('\n'))
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const configOf = (folder: string, host: string, closed: boolean) => `version: 0.1
storage:
  filesystem: {rootdirectory: ${folder}/blobs}
http: {addr: "${host}"}
${closed ? `auth:\n  htpasswd: {realm: takt, path: ${folder}/htpasswd}\n` : ''}`

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}
