import { type Parsed, parseForRunning } from '#pipelines/language/parse.ts'
import { templatesUsed } from '#pipelines/language/templates.ts'
import type { ProjectRow } from '../catalog/queries.ts'
import { hostedDir } from '../forges/repository.ts'
import { readTemplates } from '../forges/templates.ts'

/**
 * Read a file as it would be read when it is pushed, with the templates that lie in a repository of ours. Those of others are not
 * asked for: whoever writes in an editor makes this server call nobody. Jobs that use one stay unexpanded then.
 */
export async function parseHere(
  dataDir: string,
  { kind, url }: Pick<ProjectRow, 'kind' | 'url'>,
  text: string,
): Promise<Parsed> {
  const used = templatesUsed(text)
  if (used.length === 0 || kind !== 'hosted' || used.some((reference) => !reference.startsWith('.//')))
    return parseForRunning(text)
  const own = { dir: hostedDir(dataDir, url), remote: null, signal: undefined }
  return parseForRunning(text, await readTemplates({ dataDir, githubToken: undefined }, own, used))
}
