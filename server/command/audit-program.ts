import type { Command } from 'commander'
import { type Add, type EndingWith, JSON_OUT } from './adding.ts'

const wanted = (command: Command): Command =>
  command
    .option('--actor <name>', 'what somebody did')
    .option('--action <name>', 'such as run.cancel; run. is all that is done to runs')
    .option('--project <name>')
    .option('--organization <name>')
    .option('--outcome <word>', 'done, refused, denied or failed')
    .option('--since <time>', 'such as 2026-03-01T00:00:00Z')
    .option('--until <time>')

/** Commands that look at who did what. */
export function auditLog(add: Add, ending: EndingWith): void {
  const parent = add('audit', 'who did what, and who was not let')
  wanted(add('list', 'entries, newest first', parent))
    .option('--limit <count>')
    .option(...JSON_OUT)
    .action(ending(async (options) => (await import('./audit.ts')).listAudit(options)))
  wanted(add('export', 'entries as a file on standard output, oldest first', parent))
    .option('--format <format>', 'ndjson or csv', 'ndjson')
    .action(ending(async (options) => (await import('./audit.ts')).exportAudit(options)))
  add('verify', 'say whether every entry is as it was written; exit with 1 where one is not', parent)
    .option('--file <name>', 'an export of the whole log as ndjson, instead of the server’s own')
    .option(...JSON_OUT)
    .action(ending(async (options) => (await import('./audit.ts')).verifyAudit(options)))
}
