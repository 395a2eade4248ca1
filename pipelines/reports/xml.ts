import { SaxesParser } from 'saxes'
import { Unreadable } from './unreadable.ts'

export type Attributes = Readonly<Record<string, string>>

/** What a reader of XML is told, in the order of the file. */
type XmlListener = {
  readonly open: (name: string, attributes: Attributes) => void
  readonly text: (text: string) => void
  readonly close: (name: string) => void
}

const DEEPEST = 50
const MOST_ELEMENTS = 1_000_000
const MOST_ATTRIBUTES = 100

/**
 * Reads XML that a stranger wrote. Nothing is fetched and nothing expanded: a document may name a DTD, which is not looked at,
 * and an entity of its own is an error. Depth and numbers are bounded.
 */
export class XmlReader {
  readonly #parser = new SaxesParser({ xmlns: false, position: true })
  #depth = 0
  #elements = 0

  constructor(listener: XmlListener) {
    const parser = this.#parser
    parser.on('error', ({ message }) => {
      throw new Unreadable(`is not XML as it should be: line ${message.slice(0, 300)}`)
    })
    parser.on('doctype', (text) => {
      if (text.includes('<!ENTITY')) throw new Unreadable('declares entities, which are not read')
    })
    let attributes = 0
    parser.on('opentagstart', () => (attributes = 0))
    parser.on('attribute', () => {
      if (++attributes > MOST_ATTRIBUTES)
        throw new Unreadable(`has an element of more than ${MOST_ATTRIBUTES} attributes`)
    })
    parser.on('opentag', ({ name, attributes: found }) => {
      this.#enter()
      listener.open(localName(name), found as Attributes)
    })
    parser.on('text', listener.text)
    parser.on('cdata', listener.text)
    parser.on('closetag', ({ name }) => {
      this.#depth--
      listener.close(localName(name))
    })
  }

  /** Control characters are common in what tests print, and no XML; the rest of the document is none the worse for them. */
  write(text: string): void {
    this.#parser.write(text.replace(/[^\P{Cc}\n\r\t]|[\ufffe\uffff]/gu, '\u{fffd}'))
  }

  end(): void {
    this.#parser.close()
  }

  #enter(): void {
    if (++this.#depth > DEEPEST)
      throw new Unreadable(`has elements more than ${DEEPEST} deep inside each other`)
    if (++this.#elements > MOST_ELEMENTS) throw new Unreadable(`has more than ${MOST_ELEMENTS} elements`)
  }
}

const localName = (name: string) => name.slice(name.indexOf(':') + 1)
