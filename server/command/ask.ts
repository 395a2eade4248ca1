import { text } from 'node:stream/consumers'
import { createInterface } from 'node:readline/promises'
import { Ending, RED, WRONG_USE } from './ending.ts'

/** What stands on standard input, without the line end that is the shell's. */
export async function wholeInput(): Promise<string> {
  return (await text(process.stdin)).replace(/\r?\n$/, '')
}

/** Ask the person at the terminal for a line. */
export async function askLine(question: string): Promise<string> {
  if (!process.stdin.isTTY) throw new Ending(WRONG_USE, 'nobody is there to ask; give the name with --name')
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return (await lines.question(question)).trim()
  } finally {
    lines.close()
  }
}

/** Ask for what nobody may read over the shoulder: at a terminal unseen, else all of standard input. */
export async function askSecret(question: string): Promise<string> {
  if (!process.stdin.isTTY) return wholeInput()
  process.stderr.write(question)
  process.stdin.setRawMode(true)
  process.stdin.setEncoding('utf8').resume()
  try {
    return await unseenLine()
  } finally {
    process.stdin.setRawMode(false)
    process.stdin.pause()
    process.stderr.write('\n')
  }
}

async function unseenLine(): Promise<string> {
  let line = ''
  for await (const typed of process.stdin as AsyncIterable<string>)
    for (const letter of typed) {
      if (letter === '\r' || letter === '\n') return line
      if (letter === '\u0003') throw new Ending(RED, 'stopped')
      line = letter === '\u007f' || letter === '\b' ? line.slice(0, -1) : line + letter
    }
  return line
}
