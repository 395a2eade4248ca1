import { InvalidArgumentError } from 'commander'
import { type Add, type EndingWith, JSON_OUT } from './adding.ts'
import { pair } from './line-program.ts'
import type { PullAt } from './pulls.ts'

/** A gate by its number, or a pull request by its project and number: `shop#12`. */
const waiting = (text: string): number | PullAt => {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  const [, project, number] = /^([a-z0-9-]{1,100})#([1-9]\d{0,14})$/.exec(text) ?? []
  if (project !== undefined) return { project, number: Number(number) }
  throw new InvalidArgumentError(
    'A gate is named by its number (`takt gates` lists them), a pull request as shop#12 (`takt pulls`).',
  )
}

/** Commands for those who decide. */
export function gates(add: Add, ending: EndingWith): void {
  const COMMENT = ['--comment <words>', 'kept with the decision'] as const
  add('gates', 'what waits for decisions')
    .option('--project <name>')
    .option('--state <state>', 'waiting when absent; `all` for every one')
    .option(...JSON_OUT)
    .action(ending(async (options) => (await import('./gates.ts')).gates(options)))
  const HEAD = ['--head <commit>', 'of a pull request: the commit that was looked at'] as const
  add('approve', 'say yes at a gate, or to the head of a pull request from a fork (shop#12)')
    .argument('<gate>', '', waiting)
    .option('--value <field=value>', 'what the gate’s form asks for', pair)
    .option(...HEAD)
    .option(...COMMENT)
    .option(...JSON_OUT)
    .action(
      ending(async (what: number | PullAt, options) =>
        typeof what === 'number'
          ? (await import('./gates.ts')).approve(what, options)
          : (await import('./pulls.ts')).decidePull(what, 'approve', options),
      ),
    )
  add('reject', 'say no: a run at a gate fails, the head of a pull request (shop#12) does not run')
    .argument('<gate>', '', waiting)
    .option(...HEAD)
    .option(...COMMENT)
    .option(...JSON_OUT)
    .action(
      ending(async (what: number | PullAt, options) =>
        typeof what === 'number'
          ? (await import('./gates.ts')).reject(what, options)
          : (await import('./pulls.ts')).decidePull(what, 'reject', options),
      ),
    )
}
