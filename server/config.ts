import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const DEFAULT_DATA = fileURLToPath(new URL('../data', import.meta.url))
const secret = (least: number) => z.string().min(least, { error: `must have at least ${least} characters` })
const perMinute = (preset: number) => z.coerce.number().int().min(0).max(1_000_000).default(preset)

/** Everything the server takes from outside. The README's table of settings is printed from this. */
const Config = z.object({
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, { error: 'must begin with postgres://' })
    .optional()
    .describe(
      'The PostgreSQL (15 or newer) that holds the truth. Without it the server runs its own in the data directory',
    ),
  TAKT_DATA: z
    .string()
    .min(1)
    .default(DEFAULT_DATA)
    .describe('The data directory: keys, hosted repositories, the embedded database, logs'),
  TAKT_HOST: z.string().min(1).default('127.0.0.1').describe('The address to listen on'),
  TAKT_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(8080)
    .describe('The port for HTTP and WebSockets'),
  TAKT_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('The public address, where it differs from host and port'),
  TAKT_PROXIES: z.coerce
    .number()
    .int()
    .min(0)
    .max(10)
    .default(0)
    .describe(
      'How many reverse proxies stand before the server; so many addresses at the end of X-Forwarded-For are believed',
    ),
  TAKT_ALLOW_HOSTS: z
    .string()
    .optional()
    .describe(
      'Private places that this server may ask all the same where files and people name them: `host`, `host:port` or `10.0.0.0/8`, separated by commas',
    ),
  TAKT_CATCH_UP_MINUTES: z.coerce
    .number()
    .int()
    .min(0)
    .max(10_080)
    .default(60)
    .describe(
      'How often the refs of repositories on other servers are compared with those that deliveries told of. 0: at the start alone',
    ),
  TAKT_DELIVERY_DAYS: z.coerce
    .number()
    .int()
    .min(0)
    .max(3_650)
    .default(30)
    .describe('How long the payloads of deliveries are kept; what became of each stays. 0: for ever'),
  TAKT_SMTP_URL: z
    .url({ protocol: /^smtps?$/, error: 'must begin with smtp:// or smtps://' })
    .optional()
    .describe('The mail server that notices go by, as in smtps://name:password@mail.example.org'),
  TAKT_MAIL_FROM: z
    .string()
    .regex(/^[^\r\n]{0,100}[^\s@<>]+@[^\s@<>]+>?$/, { error: 'must be a mail address' })
    .optional()
    .describe(
      'Whom mails come from, as in `Takt <takt@example.org>`; takt@ the host of TAKT_URL when absent',
    ),
  TAKT_RATE_API: perMinute(6_000).describe(
    'Requests a minute to the API of one token or session; of one address, three times as many, clones and pushes among them. 0 sets no limit',
  ),
  TAKT_RATE_LOGIN: perMinute(120).describe(
    'Sign-ins a minute from one address, right or wrong. 0 sets no limit',
  ),
  TAKT_RATE_HOOKS: perMinute(3_000).describe(
    'Deliveries a minute to /hooks from one address. 0 sets no limit',
  ),
  TAKT_SECRET_KEY: secret(32)
    .optional()
    .describe('The key that other secrets are derived from. Without it one is made in the data directory'),
  TAKT_SECRET_KEY_PREVIOUS: secret(32)
    .optional()
    .describe('The key before, while secrets are changed over to the new one: it opens and does not seal'),
  TAKT_ADMIN_TOKEN: secret(16).optional().describe('An admin API token known beforehand, for automation'),
  TAKT_RUNNER_TOKEN: secret(16)
    .optional()
    .describe('What a runner must show. Without it one is made in the data directory'),
  GITHUB_WEBHOOK_SECRET: secret(16)
    .optional()
    .describe('Shared with GitHub; signs every delivery to /hooks/github'),
  GITLAB_WEBHOOK_SECRET: secret(16)
    .optional()
    .describe('Shared with GitLab, as token or signing token of a group or system hook to /hooks/gitlab'),
  GITEA_WEBHOOK_SECRET: secret(16)
    .optional()
    .describe('Shared with Gitea or Forgejo; signs every delivery to /hooks/gitea'),
  GITHUB_TOKEN: z
    .string()
    .min(1)
    .optional()
    .describe('Reads private repositories on GitHub, and tells it how commits stand'),
  GITHUB_API_URL: z
    .url({ protocol: /^https?$/ })
    .default('https://api.github.com')
    .describe(
      'The API of the GitHub that is told how commits stand: `https://<host>/api/v3` for a server of your own',
    ),
  GITHUB_APP_ID: z
    .string()
    .regex(/^\d+$/, { error: 'must be the number of a GitHub App' })
    .optional()
    .describe(
      'The number of a GitHub App that tells how commits stand; it makes checks, a token only statuses',
    ),
  GITHUB_APP_KEY: z
    .string()
    .transform((text) => text.replaceAll('\\n', '\n'))
    .refine((text) => text.includes('PRIVATE KEY'), { error: 'must be the private key of the app, as PEM' })
    .optional()
    .describe('Its private key: the text of the .pem file, line ends also as \\n'),
  GITLAB_URL: z
    .url({ protocol: /^https?$/ })
    .default('https://gitlab.com')
    .describe('The GitLab that is told how commits stand'),
  GITLAB_TOKEN: z.string().min(1).optional().describe('An access token for it, with the scope `api`'),
  GITEA_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('The Gitea or Forgejo that is told how commits stand'),
  GITEA_TOKEN: z
    .string()
    .min(1)
    .optional()
    .describe('An access token for it, with the permission to write to repositories'),
  TAKT_OIDC_ISSUER: z
    .url({ protocol: /^https?$/ })
    .refine((url) => url.startsWith('https:') || /^(localhost|127\.|\[::1\])/.test(new URL(url).hostname), {
      error: 'must begin with https://, unless it is on this machine',
    })
    .optional()
    .describe(
      'An OpenID Connect provider that people may sign in by; its redirect address is `<TAKT_URL>/login/oidc/callback`',
    ),
  TAKT_OIDC_CLIENT_ID: z.string().min(1).optional().describe('What the provider knows this server as'),
  TAKT_OIDC_CLIENT_SECRET: z.string().min(1).optional().describe('The secret that goes with it'),
  TAKT_OIDC_NAME: z
    .string()
    .min(1)
    .max(60)
    .default('OpenID Connect')
    .describe('What people call the provider'),
  TAKT_OIDC_ACCOUNTS: z
    .enum(['invited', 'everybody'])
    .default('invited')
    .describe(
      'Who gets an account by it: `invited`, or `everybody` whom the provider knows, without any role yet',
    ),
  TAKT_GITHUB_CLIENT_ID: z
    .string()
    .min(1)
    .optional()
    .describe(
      'An OAuth app of GitHub that people may sign in by; its callback address is `<TAKT_URL>/login/github/callback`',
    ),
  TAKT_GITHUB_CLIENT_SECRET: z.string().min(1).optional().describe('The secret that goes with it'),
  TAKT_GITHUB_URL: z
    .url({ protocol: /^https?$/ })
    .default('https://github.com')
    .describe('The GitHub that people sign in by, where it is a server of your own'),
  TAKT_LEASE_MS: z.coerce
    .number()
    .int()
    .min(1_000)
    .max(600_000)
    .default(30_000)
    .describe('Silence after which a runner has lost its run, in milliseconds'),
  TAKT_STATE_MIB: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_048_576)
    .default(1_024)
    .describe(
      'What the lines of a project may remember together, in MiB: the newest states of its jobs and of its `state` resources',
    ),
  TAKT_S3_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('An S3-compatible service for files of runs; without it they lie in the data directory'),
  TAKT_S3_BUCKET: z.string().min(1).optional().describe('The bucket, which is there already'),
  TAKT_S3_KEY: z.string().min(1).optional().describe('The access key’s id'),
  TAKT_S3_SECRET: z.string().min(1).optional().describe('The access key’s secret'),
  TAKT_S3_REGION: z.string().min(1).default('us-east-1').describe('The region, where the service has such'),
  TAKT_STORE_PREFIX: z
    .string()
    .regex(/^[a-z0-9-]{1,100}$/, { error: 'has 1 to 100 characters out of a-z, 0-9 and -' })
    .default('takt')
    .describe(
      'The first part of the name of every secret in the stores below: prefix, organization, project, path',
    ),
  TAKT_VAULT_ADDR: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('A Vault or OpenBao in which secrets may lie (key/value engine, version 2)'),
  TAKT_VAULT_TOKEN: z.string().min(1).optional().describe('What opens it: a token that does not end, or'),
  TAKT_VAULT_ROLE_ID: z.string().min(1).optional().describe('a role of its AppRole login'),
  TAKT_VAULT_SECRET_ID: z.string().min(1).optional().describe('with the role’s secret'),
  TAKT_VAULT_APPROLE: z.string().min(1).default('approle').describe('Where the AppRole login is mounted'),
  TAKT_VAULT_MOUNT: z.string().min(1).default('secret').describe('Where the key/value engine is mounted'),
  TAKT_VAULT_NAMESPACE: z.string().min(1).optional().describe('Its namespace, where it has such'),
  TAKT_AWS_REGION: z
    .string()
    .regex(/^[a-z0-9-]+$/, { error: 'is named with a-z, 0-9 and -' })
    .optional()
    .describe('A region of AWS in whose Secrets Manager secrets may lie'),
  TAKT_AWS_KEY: z
    .string()
    .min(1)
    .optional()
    .describe('The access key’s id; without it the server is let in as its machine is'),
  TAKT_AWS_SECRET: z.string().min(1).optional().describe('The access key’s secret'),
  TAKT_AWS_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('The address of the Secrets Manager, where it is not the region’s own'),
  TAKT_GCP_PROJECT: z
    .string()
    .regex(/^[a-z0-9.:-]+$/, { error: 'is a project’s id or number' })
    .optional()
    .describe('A project of Google Cloud in whose Secret Manager secrets may lie'),
  TAKT_GCP_KEY_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('The file of a service account’s key; without it the server is let in as its machine is'),
  TAKT_GCP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .default('https://secretmanager.googleapis.com')
    .describe('The address of the Secret Manager, where it is a region’s own'),
  TAKT_DEMO: z.enum(['on', 'off']).default('on').describe('Whether a first start hosts a demo repository'),
})
export type Config = Readonly<z.output<typeof Config>>
export const settings = Config.shape

/** @throws {Error} Naming every setting that is wrong at once, never a value. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  // An empty variable is how a script says "not set".
  const stated = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const read = Config.safeParse(stated)
  if (read.success) return Object.freeze(read.data)
  throw new Error(`The environment is not right:\n${z.prettifyError(read.error)}`)
}
