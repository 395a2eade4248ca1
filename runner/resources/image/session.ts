import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import grpc from '@grpc/grpc-js'
import type Docker from 'dockerode'
import protobuf from 'protobufjs'
import { z } from 'zod'

export type Credential = { readonly username: string; readonly password: string }
/** What opens one registry, and no other. */
export type Login = Credential & { readonly host: string }

const { root } = protobuf.parse(`syntax = "proto3";
message Asked { string Host = 1; }
message Answer { string Username = 1; string Secret = 2; }`)
const Asked = root.lookupType('Asked')
const Answer = root.lookupType('Answer')
const Question = z.object({ Host: z.string().default('') })

/** The one call of BuildKit that is answered. Others end as not implemented, which it takes for a no. */
const AUTH = {
  Credentials: {
    path: '/moby.filesync.v1.Auth/Credentials',
    requestStream: false,
    responseStream: false,
    requestSerialize: (asked: object) => Buffer.from(Asked.encode(Asked.create(asked)).finish()),
    requestDeserialize: (bytes: Buffer) => Question.parse(Asked.toObject(Asked.decode(bytes))),
    responseSerialize: (answer: object) => Buffer.from(Answer.encode(Answer.create(answer)).finish()),
    responseDeserialize: (bytes: Buffer) => Answer.toObject(Answer.decode(bytes)),
  },
}

export type Session = Disposable & { readonly id: string }

/**
 * A connection on which BuildKit asks whoever builds: without one it fetches no base image from a registry.
 *
 * It is told the login of the one registry that the build is pushed to, and nothing for any other host: a Dockerfile may name
 * whatever host it likes.
 *
 * @returns Null where the engine has no sessions, and then no BuildKit either.
 */
export async function openSession(docker: Docker, login: Login | null): Promise<Session | null> {
  const id = randomUUID()
  const socket = await dial(docker, id)
  if (!socket) return null
  socket.on('error', () => {}) // a session that is cut ends the build, which says why
  const server = new grpc.Server()
  server.addService(AUTH, {
    Credentials: (
      { request }: grpc.ServerUnaryCall<{ Host: string }, object>,
      answer: grpc.sendUnaryData<object>,
    ) =>
      answer(
        null,
        login && request.Host === login.host ? { Username: login.username, Secret: login.password } : {},
      ),
  })
  server.createConnectionInjector(grpc.ServerCredentials.createInsecure()).injectConnection(socket)
  const close = () => {
    server.forceShutdown()
    socket.destroy()
  }
  return { id, [Symbol.dispose]: close }
}

function dial(docker: Docker, id: string): Promise<Socket | null> {
  const options = {
    method: 'POST',
    path: '/session',
    hijack: true,
    headers: { Upgrade: 'h2c', 'X-Docker-Expose-Session-Uuid': id, 'X-Docker-Expose-Session-Name': 'takt' },
    statusCodes: { 200: true, 404: 'no sessions', 500: 'server error' },
  }
  return new Promise((resolve, reject) =>
    docker.modem.dial(options, (error: unknown, socket: unknown) => {
      if (!error) return resolve(socket as Socket)
      if ((error as { statusCode?: unknown }).statusCode === 404) return resolve(null)
      reject(error)
    }),
  )
}
