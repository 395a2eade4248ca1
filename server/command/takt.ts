import { CommanderError } from 'commander'
import { Ending, RED, WRONG_USE } from './ending.ts'
import { note, plainLines } from './print.ts'
import { program } from './program.ts'

// A reader that has seen enough, as `takt logs 7 | head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

try {
  await program((exitCode) => (process.exitCode = exitCode)).parseAsync()
} catch (error) {
  process.exitCode = tell(error)
}

function tell(error: unknown): number {
  // Commander has said what was wrong already; asking for help is not wrong.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USE
  if (error instanceof Ending) {
    note(`takt: ${plainLines(error.message)}`)
    return error.exitCode
  }
  process.stderr.write(`takt: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return RED
}
