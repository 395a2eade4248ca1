import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Add, type EndingWith, JSON_OUT } from './adding.ts'
import type { Pairs } from './run-actions.ts'

export const runId = (text: string): number => {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('A run is named by its number.')
}

/** `name=value`, said as often as there are names. */
export function pair(text: string, before: Pairs = []): Pairs {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Write <name>=<value>.')
  return [...before, [name, value]]
}

const LANE = ['--lane <name>', 'without one the default branch'] as const

/** Commands that ask runs to begin or end. */
export function runActions(add: Add, ending: EndingWith): void {
  const FOLLOW = ['-f, --follow', 'print its log, and exit with 1 unless it succeeds'] as const
  add('trigger', 'run a job now')
    .argument('<project/pipeline/job>')
    .option(...LANE)
    .option('--version <resource=version>', 'with this version of a resource instead of the newest', pair)
    .option('--input <field=value>', 'what the job’s form asks for', pair)
    .option(...FOLLOW)
    .option(...JSON_OUT)
    .action(ending(async (job: string, options) => (await import('./run-actions.ts')).trigger(job, options)))
  add('retry', 'run again with the same versions')
    .argument('<run>', '', runId)
    .option('--newest', 'with the newest versions instead')
    .addOption(
      new Option(
        '--failed',
        'every job and leg of its line that failed with these versions, instead of this run alone',
      ).conflicts(['newest', 'hold', 'follow']),
    )
    .option(
      '--hold <time>',
      'if it fails, keep its container for so long, e.g. 30m; look into it with takt exec',
    )
    .option(...FOLLOW)
    .option(...JSON_OUT)
    .action(ending(async (id: number, options) => (await import('./run-actions.ts')).retry(id, options)))
  add('restore', 'run again from a checkpoint that a run left, with its files')
    .argument('<run>', '', runId)
    .argument('<checkpoint>')
    .option(...FOLLOW)
    .option(...JSON_OUT)
    .action(
      ending(async (id: number, checkpoint: string, options) =>
        (await import('./run-actions.ts')).restore(id, checkpoint, options),
      ),
    )
  add('rerun', 'run again every job that has failed with a version')
    .argument('<project/pipeline>')
    .requiredOption('--lane <name>')
    .requiredOption('--version <version>')
    .option(...JSON_OUT)
    .action(
      ending(async (pipeline: string, options) =>
        (await import('./run-actions.ts')).rerun(pipeline, options),
      ),
    )
  add('exec', 'open a terminal in the container of a run that goes on, or of a failed one that is kept')
    .argument('<run>', '', runId)
    .argument('[command...]', 'instead of a shell; put -- before it')
    .option('--image <name>', 'in the container of this image, where a run has several')
    .action(
      ending(async (id: number, command: string[], options) =>
        (await import('./exec.ts')).exec(id, { ...options, command }),
      ),
    )
  add('cancel', 'stop a run')
    .argument('<run>', '', runId)
    .option('--reason <words>', 'shown beside the run')
    .option(...JSON_OUT)
    .action(ending(async (id: number, options) => (await import('./run-actions.ts')).cancel(id, options)))
}

/** Commands that look at a line: what waits, why, and how far things got. */
export function lineQuestions(add: Add, ending: EndingWith): void {
  add('why', 'why a job does not run, and what became of what could have started it')
    .argument('<project/pipeline/job>')
    .option(...LANE)
    .option(...JSON_OUT)
    .action(ending(async (job: string, options) => (await import('./why.ts')).why(job, options)))
  add('explain', 'why a run came to be; exit with 1 when the planner would not decide the same again')
    .argument('<run>', '', runId)
    .option(...JSON_OUT)
    .action(ending(async (id: number, options) => (await import('./explain.ts')).explain(id, options)))
  add('trace', 'how far a commit got, and which environments have it')
    .argument('<project>')
    .argument('<commit>', 'its hash, or the beginning of it')
    .option(...JSON_OUT)
    .action(
      ending(async (project: string, commit: string, options) =>
        (await import('./trace.ts')).trace(project, commit, options),
      ),
    )
  add('check-resource', 'look for new versions of a resource now')
    .argument('<project/pipeline/resource>')
    .option(...JSON_OUT)
    .action(
      ending(async (resource: string, options) =>
        (await import('./check-resource.ts')).checkResource(resource, options),
      ),
    )
  const attested = add('attest', 'how versions came to be, signed')
  add('verify', 'say whether the server signed it, and of what it speaks', attested)
    .argument('<what>', 'a file with an envelope, or with --of a <project/pipeline/resource>')
    .option('--of <version>', 'ask the server for the provenance of this version')
    .option('--key <file>', 'the server’s takt-attestations.json: nobody is asked')
    .option('--digest <sha256>', 'and say whether it speaks of this')
    .option(...JSON_OUT)
    .action(
      ending(async (what: string, options) => (await import('./attest.ts')).verifyAttestation(what, options)),
    )
  add('versions', 'the versions of a resource, newest first')
    .argument('<project/pipeline/resource>')
    .option(...LANE)
    .option('--limit <count>')
    .option(...JSON_OUT)
    .action(
      ending(async (resource: string, options) =>
        (await import('./versions.ts')).versions(resource, options),
      ),
    )
}

const RESOURCE = ['--resource', 'the third name is a resource, not a job'] as const

/** Commands that decide what a line takes. */
export function lineDecrees(add: Add, ending: EndingWith): void {
  const reasoned = (command: Command, words: string) => command.requiredOption('--reason <words>', words)
  reasoned(add('pin', 'take only this version of a resource'), 'why; everybody who waits for it reads it')
    .argument('<project/pipeline/resource>')
    .argument('<version>', 'its name, or the beginning of it')
    .option(...LANE)
    .option(...JSON_OUT)
    .action(
      ending(async (resource: string, version: string, options) =>
        (await import('./decrees.ts')).pin(resource, version, options),
      ),
    )
  add('unpin', 'take the newest version of a resource again')
    .argument('<project/pipeline/resource>')
    .option(...LANE)
    .option(...JSON_OUT)
    .action(
      ending(async (resource: string, options) => (await import('./decrees.ts')).unpin(resource, options)),
    )
  reasoned(
    add('pause', 'start no new runs of a job or of a whole pipeline, or let nothing come of a resource'),
    'why; everybody who waits for it reads it',
  )
    .argument('<project/pipeline[/job]>')
    .option(...RESOURCE)
    .option(...JSON_OUT)
    .action(ending(async (job: string, options) => (await import('./decrees.ts')).pause(job, options)))
  add('resume', 'let a paused job, pipeline or resource go on')
    .argument('<project/pipeline[/job]>')
    .option(...RESOURCE)
    .option(...JSON_OUT)
    .action(ending(async (job: string, options) => (await import('./decrees.ts')).resume(job, options)))
}
