import { StepFailed } from '../../engine.ts'

const HUB = 'docker.io'
/** Of Docker's own registry: how else it is spelled, and where it really is. */
const HUB_ALIAS = 'index.docker.io'
export const HUB_HOST = 'registry-1.docker.io'
/** Whose images have no owner in their names. */
const DOCKERS_OWN = `${HUB}/library/`
/** Who would have these names for the time of a push would read the Dockerfiles of others. */
const READERS = `${HUB}/docker/`

/** The repository by its full name, as the engine reads a short one: `acme/shop` is `docker.io/acme/shop`. */
export function fullName(repository: string): string {
  const slash = repository.indexOf('/')
  const first = repository.slice(0, Math.max(0, slash))
  const isHost = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase()
  const host = !isHost || first === HUB_ALIAS ? HUB : first
  const path = isHost ? repository.slice(slash + 1) : repository
  return host === HUB && !path.includes('/') ? `${DOCKERS_OWN}${path}` : `${host}/${path}`
}

/** Where the registry is asked. */
export function hostOf(repository: string): string {
  const [host = ''] = fullName(repository).split('/')
  return host === HUB ? HUB_HOST : host
}

/**
 * An image is pushed under the name that it has at the engine, where every run's `image` is looked up. Names without an owner are
 * Docker's own images and our helpers': nobody can push to these, so that nobody gets to give them to something else.
 *
 * @throws {StepFailed}
 */
export function expectOwner(repository: string): void {
  const name = fullName(repository)
  if (name.startsWith(READERS))
    throw new StepFailed(
      1,
      `registry: \`${repository}\` is \`${name}\`, where Docker keeps what reads Dockerfiles; name yours with an owner of your own.`,
    )
  if (!name.startsWith(DOCKERS_OWN)) return
  throw new StepFailed(
    1,
    `registry: \`${repository}\` is \`${name}\`, one of Docker's own, into which nobody else pushes; name yours with its owner (\`acme/${name.slice(DOCKERS_OWN.length)}\`) or with the registry's host.`,
  )
}
