import { EngineError } from './engine.ts'

/**
 * The parts of a path inside a workspace: relative, without `..`, without a NUL. An author may have written it.
 *
 * @throws {EngineError} `bad_path`, naming it and the rule.
 */
export function partsOf(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (!path.startsWith('/') && !path.includes('\0') && !parts.includes('..') && parts.length > 0) return parts
  throw new EngineError(
    'bad_path',
    `The path ${JSON.stringify(path)} does not stay inside the workspace: write it relative, without \`..\`.`,
  )
}
