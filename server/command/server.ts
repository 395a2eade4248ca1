import { asWrongUse } from './ending.ts'
import { untilToldToStop } from './stopping.ts'

/** Run the server until it is told to stop. Its log is standard output, in JSON lines. */
export async function server(): Promise<number> {
  const { readConfig } = await import('../config.ts')
  const config = asWrongUse(readConfig)
  const stop = untilToldToStop()
  const { startServer } = await import('../main.ts')
  const running = await startServer(config)
  await stop
  await running.stop()
  return 0
}
