import { createVerify, generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { partsOf, signatureOf } from './signature-v4.ts'

type Asked = { readonly request: IncomingMessage; readonly path: string; readonly body: string }
type Reply = { readonly status: number; readonly body: unknown }
/** An HTTP server that speaks as a store does, by what its maker publishes. */
export type FakeStore = AsyncDisposable & { readonly url: string; readonly asked: string[] }

async function serve(answer: (asked: Asked) => Reply): Promise<FakeStore> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      asked.push(`${request.method} ${request.url}`)
      const reply = answered(() => answer({ request, body, path: decodeURIComponent(request.url ?? '') }))
      const isText = typeof reply.body === 'string'
      response.writeHead(reply.status, { 'content-type': isText ? 'text/plain' : 'application/json' })
      response.end(isText ? reply.body : JSON.stringify(reply.body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** What it makes nothing of, it refuses. */
function answered(answer: () => Reply): Reply {
  try {
    return answer()
  } catch (error) {
    return { status: 400, body: String(error) }
  }
}

export const ROLE = { id: 'role-of-takt', secret: 'secret-of-the-role' }

/** Vault’s key/value engine, version 2, and its AppRole login; each token that it gives opens `uses` times. */
export function fakeVault(
  held: Map<string, Record<string, unknown> | null>,
  { token = '', uses = Infinity } = {},
): Promise<FakeStore> {
  const given = new Map<string, number>([[token, Infinity]])
  return serve(({ request, path, body }) => {
    if (path === '/v1/auth/approle/login') {
      const { role_id, secret_id } = JSON.parse(body) as Record<string, unknown>
      if (role_id !== ROLE.id || secret_id !== ROLE.secret)
        return { status: 400, body: { errors: ['invalid role or secret ID'] } }
      const client_token = `hvs.${given.size}`
      given.set(client_token, uses)
      return { status: 200, body: { auth: { client_token, lease_duration: 3_600 } } }
    }
    const shown = String(request.headers['x-vault-token'] ?? '')
    const left = given.get(shown) ?? 0
    if (left <= 0 || path.includes('/closed/'))
      return { status: 403, body: { errors: ['permission denied'] } }
    given.set(shown, left - 1)
    const name = path.replace('/v1/secret/data/', '')
    const found = held.get(name)
    if (found === undefined) return { status: 404, body: { errors: [] } }
    return { status: found === null ? 404 : 200, body: { data: { data: found, metadata: { version: 1 } } } }
  })
}

export const AWS_KEY = { id: 'AKIDEXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }

/** AWS Secrets Manager’s `GetSecretValue`, for those whose signature is right. */
export const fakeAws = (held: Map<string, string>): Promise<FakeStore> =>
  serve(({ request, body }) => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`)
    const signed = { method: request.method ?? '', url, body, headers: request.headers as never }
    const no = (status: number, type: string) => ({ status, body: { __type: type, message: type } })
    if (partsOf(signed).signature !== signatureOf(signed, AWS_KEY.secret))
      return no(400, 'InvalidSignatureException')
    if (request.headers['x-amz-target'] !== 'secretsmanager.GetSecretValue')
      return no(400, 'UnknownOperationException')
    const { SecretId: name } = JSON.parse(body) as { SecretId: string }
    if (name.includes('/closed/')) return no(400, 'AccessDeniedException')
    const found = held.get(name)
    return found === undefined
      ? no(400, 'ResourceNotFoundException')
      : { status: 200, body: { Name: name, SecretString: found } }
  })

/** Google’s Secret Manager, for whoever signs with the key that is written to `keyFile`. */
export async function fakeGcp(held: Map<string, string>, keyFile: string): Promise<FakeStore> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const store = await serve(({ request, path }) => {
    const [head = '', claims = '', signature = ''] = (request.headers.authorization ?? '')
      .replace('Bearer ', '')
      .split('.')
    const isSigned = createVerify('sha256')
      .update(`${head}.${claims}`)
      .verify(publicKey, signature, 'base64url')
    if (!isSigned) return { status: 401, body: {} }
    const name =
      /^\/v1\/projects\/acme-prod\/secrets\/([^/]+)\/versions\/latest:access$/.exec(path)?.[1] ?? ''
    if (name.endsWith('_closed')) return { status: 403, body: {} }
    const found = held.get(name)
    const data = Buffer.from(found ?? '').toString('base64')
    return found === undefined ? { status: 404, body: {} } : { status: 200, body: { payload: { data } } }
  })
  const key = {
    ...{ type: 'service_account', project_id: 'acme-prod', private_key_id: '1', client_id: '1' },
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: 'takt@acme-prod.iam.example.com',
  }
  await writeFile(keyFile, JSON.stringify(key))
  return store
}
