import { type Add, type EndingWith, JSON_OUT } from './adding.ts'
import { runId } from './line-program.ts'

type Getting = { readonly name: string; readonly file?: string; readonly output?: string }

/** `takt artifacts`: what runs kept. */
export function artifacts(add: Add, ending: EndingWith): void {
  const parent = add('artifacts', 'the files that runs kept')
  add('list', 'what a run kept', parent)
    .argument('<run>', '', runId)
    .option(...JSON_OUT)
    .action(
      ending(async (run: number, options) => (await import('./artifacts.ts')).listArtifacts(run, options)),
    )
  add('get', 'write what a run kept to a file, packed; an existing file is left alone', parent)
    .argument('<run>', '', runId)
    .option('--name <name>', 'the artifact', 'kept')
    .option('--file <path>', 'one file of it, as it is')
    .option('-o, --output <file>', 'where to; - is standard output')
    .action(
      ending(async (run: number, options: Getting) =>
        (await import('./artifacts.ts')).getArtifact(run, options),
      ),
    )
}
