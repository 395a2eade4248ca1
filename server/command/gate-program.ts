import { InvalidArgumentError } from 'commander'
import { type Add, type EndingWith, JSON_OUT } from './adding.ts'
import { pair } from './line-program.ts'

const gateId = (text: string): number => {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('A gate is named by its number; `takt gates` lists them.')
}

/** Commands for those who decide. */
export function gates(add: Add, ending: EndingWith): void {
  const COMMENT = ['--comment <words>', 'kept with the decision'] as const
  add('gates', 'what waits for decisions')
    .option('--project <name>')
    .option('--state <state>', 'waiting when absent; `all` for every one')
    .option(...JSON_OUT)
    .action(ending(async (options) => (await import('./gates.ts')).gates(options)))
  add('approve', 'say yes at a gate')
    .argument('<gate>', '', gateId)
    .option('--value <field=value>', 'what the gate’s form asks for', pair)
    .option(...COMMENT)
    .option(...JSON_OUT)
    .action(ending(async (id: number, options) => (await import('./gates.ts')).approve(id, options)))
  add('reject', 'say no at a gate: its run fails')
    .argument('<gate>', '', gateId)
    .option(...COMMENT)
    .option(...JSON_OUT)
    .action(ending(async (id: number, options) => (await import('./gates.ts')).reject(id, options)))
}
