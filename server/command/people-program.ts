import { InvalidArgumentError } from 'commander'
import { type Add, type EndingWith, JSON_OUT } from './adding.ts'

function days(text: string): number {
  const count = Number(text)
  if (/^\d{1,4}$/.test(text) && count > 0) return count
  throw new InvalidArgumentError('Write a number of days, such as 90.')
}

const OF = ['--of <organization/account>', 'those of a service account instead of your own'] as const
const ROLE = ['--role <role>', 'viewer, operator, approver, maintainer or admin'] as const

/** Commands about who comes in, and by what. */
export function people(add: Add, ending: EndingWith): void {
  add('login', 'sign this command in; the password is asked for, or read from standard input')
    .argument('[url]', 'the server, such as https://takt.example.org')
    .option('--name <name>', 'of the account, or its e-mail address')
    .option('--token', 'with an API token instead of a password')
    .action(
      ending(async (url: string | undefined, options) => (await import('./login.ts')).login(url, options)),
    )
  add('logout', 'forget the login, and end the token that it made')
    .argument('[url]')
    .action(ending(async (url: string | undefined) => (await import('./login.ts')).logout(url)))
  tokens(add, ending)
  users(add, ending)
}

function tokens(add: Add, ending: EndingWith): void {
  const parent = add('tokens', 'API tokens, your own and those of service accounts')
  add('list', 'names, bounds and last use', parent)
    .option(...OF)
    .option(...JSON_OUT)
    .action(ending(async (options) => (await import('./tokens.ts')).listTokens(options)))
  add('add', 'make one; it is shown once', parent)
    .argument('<name>')
    .option(...ROLE)
    .option('--project <name>', 'for this project alone')
    .option('--days <count>', 'how long it lives; without it for ever', days)
    .option(...OF)
    .option(...JSON_OUT)
    .action(ending(async (name: string, options) => (await import('./tokens.ts')).addToken(name, options)))
  add('end', 'let it open nothing any more', parent)
    .argument('<id>')
    .option(...OF)
    .action(ending(async (id: string, options) => (await import('./tokens.ts')).endToken(id, options)))
}

function users(add: Add, ending: EndingWith): void {
  const parent = add('users', 'who has an account; for admins of the server')
  add('list', 'people and service accounts', parent)
    .option(...JSON_OUT)
    .action(ending(async (options) => (await import('./users.ts')).listUsers(options)))
  for (const [act, description] of [
    ['disable', 'shut somebody out, with sessions, tokens and invitations'],
    ['enable', 'let somebody in again'],
  ] as const)
    add(act, description, parent)
      .argument('<name>')
      .action(ending(async (name: string) => (await import('./users.ts')).actOn(act, name)))
  add('role', 'make somebody an admin of the server, or a member again', parent)
    .argument('<name>')
    .argument('<role>', 'admin or member')
    .action(ending(async (name: string, role: string) => (await import('./users.ts')).setRole(name, role)))
  add('login-link', 'a one-time link for somebody who forgot their password', parent)
    .argument('<name>')
    .option(...JSON_OUT)
    .action(ending(async (name: string, options) => (await import('./users.ts')).linkFor(name, options)))
  add('invite', 'a one-time link that makes somebody a member of an organization', parent)
    .argument('<organization>')
    .option(...ROLE)
    .option('--team <name>', 'a team of the organization')
    .option('--email <address>', 'whom it is for')
    .option('--days <count>', 'how long it is good, 7 where nothing is said, 30 at most', days)
    .option(...JSON_OUT)
    .action(
      ending(async (organization: string, options) =>
        (await import('./users.ts')).invite(organization, options),
      ),
    )
  add('service', 'make an account for a program', parent)
    .argument('<organization>')
    .argument('<name>')
    .option(...ROLE)
    .option(...JSON_OUT)
    .action(
      ending(async (organization: string, name: string, options) =>
        (await import('./users.ts')).addService(organization, name, options),
      ),
    )
}
