import { readdir, readFile } from 'node:fs/promises'
import { type Diagnostic, hasErrors, printDiagnostic } from '#pipelines/language/diagnostic.ts'
import { parseForRunning } from '#pipelines/language/parse.ts'
import { readConfig } from './config.ts'
import { Ending, RED, WRONG_USE } from './ending.ts'
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
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Ending(WRONG_USE, `${file} cannot be read: ${reason(error)}`, { cause: error })
  })
  return { file, diagnostics: parseForRunning(text).diagnostics }
}

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file',
  EACCES: 'you may not read it',
  EISDIR: 'it is a directory; name the files in it',
}
function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return REASONS[code] ?? String(error)
}

/** The files that a push of this directory would bring to life. */
async function pipelineFiles(): Promise<string[]> {
  const names = async (folder: string) => await readdir(folder).catch(() => []) // a repository need not have it
  const top = (await names('.')).filter((name) => name === '.takt.yml')
  const folder = (await names('.takt')).filter((name) => name.endsWith('.yml')).toSorted()
  const found = [...top, ...folder.map((name) => `.takt/${name}`)]
  if (found.length > 0) return found
  throw new Ending(
    WRONG_USE,
    'there is no .takt.yml and no .takt/*.yml here: change to your repository, or name the files',
  )
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
