import { connect as connectPlain } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { EventSource } from './event-source.ts'
import { ANY_HOST, checkedLookup } from './checked-lookup.ts'

/** A topic of Kafka. The client is loaded only where somebody reads one. Its brokers name each other: each connection is checked. */
export const readKafka: EventSource = async ({ settings, login, allowed, keep, onReached, signal }) => {
  const { Kafka, logLevel } = await import('kafkajs')
  const kafka = new Kafka({
    ...{ clientId: 'takt', brokers: [...settings.addresses], logLevel: logLevel.NOTHING },
    ...{ ssl: settings.tls, retry: { retries: 2 } },
    ...(login ? { sasl: { mechanism: 'plain' as const, ...login } } : {}),
    socketFactory: ({ host, port, ssl, onConnect }) => {
      const lookup = checkedLookup(allowed, { host, port: String(port) })
      const place = { host: ANY_HOST, port, lookup }
      return ssl ? connectTls({ ...place, servername: host }, onConnect) : connectPlain(place, onConnect)
    },
  })
  const consumer = kafka.consumer({ groupId: settings.group })
  const ended = Promise.withResolvers<void>()
  const quit = () => ended.resolve()
  signal.addEventListener('abort', quit, { once: true })
  consumer.on(consumer.events.CRASH, ({ payload }) => ended.reject(payload.error))
  try {
    await consumer.connect()
    await consumer.subscribe({ topic: settings.stream, fromBeginning: settings.from === 'beginning' })
    await onReached()
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch, heartbeat }) => {
        const { topic, partition } = batch
        const at = (offset: string) => `${topic}-${partition}-${offset}`
        await keep(
          batch.messages.map(({ offset, value }) => ({
            event: at(offset),
            payload: value?.toString('utf8') ?? '',
          })),
        )
        const offset = String(BigInt(batch.lastOffset()) + 1n)
        await consumer.commitOffsets([{ topic, partition, offset }])
        await heartbeat()
      },
    })
    await ended.promise
  } finally {
    signal.removeEventListener('abort', quit)
    await consumer.disconnect().catch(() => {}) // it may be what broke
  }
}
