import { InvalidArgumentError } from 'commander'
import { type Add, type EndingWith, JSON_OUT } from './adding.ts'

const eventId = (text: string): number => {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('An event is named by its number; `takt sources events` lists them.')
}

/** Commands for the streams that a project reads events from. */
export function sources(add: Add, ending: EndingWith): void {
  const parent = add('sources', 'streams of others that a project reads events from')
  add('list', 'the sources of a project, and whether they are read', parent)
    .argument('<project>')
    .option(...JSON_OUT)
    .action(
      ending(async (project: string, options) =>
        (await import('./sources.ts')).listSources(project, options),
      ),
    )
  add('set', 'read a Redis stream or a Kafka topic', parent)
    .argument('<project/source>', 'the name that `event` resources listen to')
    .argument('<kind>', 'redis or kafka')
    .argument('<host:port...>', 'where it is; of Kafka several brokers')
    .requiredOption('--stream <name>', 'the stream or topic')
    .option('--group <name>', 'the consumer group; without one takt-<project>')
    .option('--login <secret>', 'the project’s secret `user:password`, or a password alone')
    .option('--tls')
    .option('--from <where>', '`new` or `beginning`, where the group is new')
    .option('--field <name>', 'of Redis: the field that holds the event as JSON')
    .option(...JSON_OUT)
    .action(
      ending(async (name: string, kind: string, addresses: string[], options) =>
        (await import('./sources.ts')).setSource(name, { kind, addresses, ...options }),
      ),
    )
  add('remove', 'read it no more, and forget what came of it', parent)
    .argument('<project/source>')
    .action(ending(async (name: string) => (await import('./sources.ts')).removeSource(name)))
  add('events', 'what a source handed out, newest first; --state dead for dead letters', parent)
    .argument('<project/source>')
    .option('--state <state>', 'received, taken, ignored or dead')
    .option(...JSON_OUT)
    .action(ending(async (name: string, options) => (await import('./sources.ts')).listEvents(name, options)))
  add('replay', 'look at an event once more', parent)
    .argument('<project/source>')
    .argument('<event>', '', eventId)
    .action(ending(async (name: string, id: number) => (await import('./sources.ts')).replayEvent(name, id)))
}
