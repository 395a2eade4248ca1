import { type Diagnostic, hasErrors, printDiagnostic } from '#pipelines/language/diagnostic.ts'
import { parseForRunning } from '#pipelines/language/parse.ts'
import { readConfig } from './config.ts'
import { RED } from './ending.ts'
import { pipelineFiles, readPipelineFile, templatesHere } from './pipeline-files.ts'
import { note, out, outJson, painted } from './print.ts'

type Checked = { readonly file: string; readonly diagnostics: readonly Diagnostic[] }

/** Read pipeline files as the server would, and say what is wrong with them. Needs no server. */
export async function check(files: readonly string[], { json }: { json?: true }): Promise<number> {
  const named = files.length > 0 ? files : await pipelineFiles()
  const checked = await Promise.all(named.map(checkFile))
  if (json) outJson({ files: checked })
  else tell(checked)
  return checked.some(({ diagnostics }) => hasErrors(diagnostics)) ? RED : 0
}

async function checkFile(file: string): Promise<Checked> {
  const text = await readPipelineFile(file)
  return { file, diagnostics: parseForRunning(text, await templatesHere(text)).diagnostics }
}

function tell(checked: readonly Checked[]): void {
  const config = readConfig()
  const lines = checked.flatMap(({ file, diagnostics }) =>
    diagnostics.map((found) => printDiagnostic(file, found)),
  )
  for (const line of lines) out(painted(line, config))
  const all = checked.flatMap(({ diagnostics }) => diagnostics)
  const errors = all.filter(({ severity }) => severity === 'error').length
  note(
    `${counted(checked.length, 'file')}: ${counted(errors, 'error')}, ${counted(all.length - errors, 'warning')}`,
  )
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`
