import { expect, test } from 'vitest'
import { expectOwner, fullName, hostOf } from '../../runner/resources/image/repository.ts'

test.each([
  ['acme/shop', 'docker.io/acme/shop', 'registry-1.docker.io'],
  ['shop', 'docker.io/library/shop', 'registry-1.docker.io'],
  ['docker.io/acme/shop', 'docker.io/acme/shop', 'registry-1.docker.io'],
  ['index.docker.io/shop', 'docker.io/library/shop', 'registry-1.docker.io'],
  ['localhost/shop', 'localhost/shop', 'localhost'],
  ['127.0.0.1:5000/a/b', '127.0.0.1:5000/a/b', '127.0.0.1:5000'],
  ['registry.acme.test/a', 'registry.acme.test/a', 'registry.acme.test'],
  ['Acme/shop', 'Acme/shop', 'Acme'],
])('%s is %s, and is asked for at %s', (repository, name, host) => {
  expect(fullName(repository)).toBe(name)
  expect(hostOf(repository)).toBe(host)
})

test.each(['node', 'takt-holder', 'library/node', 'docker.io/node', 'index.docker.io/library/node'])(
  '%s is nobody’s to push to, and so nobody’s to give to another image',
  (repository) => expect(() => expectOwner(repository)).toThrow(/one of Docker's own.*acme\//),
)

test.each(['acme/node', 'localhost/node', 'registry.acme.test/node'])('%s has an owner', (repository) =>
  expect(() => expectOwner(repository)).not.toThrow(),
)

test.each(['docker/dockerfile', 'index.docker.io/docker/dockerfile-upstream'])(
  '%s, which reads Dockerfiles, is nobody’s to push to',
  (repository) => expect(() => expectOwner(repository)).toThrow(/an owner of your own/),
)
