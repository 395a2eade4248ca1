/** Debian's Chromium, or the one that `npm test` found. */
export const CHROMIUM = process.env['TAKT_TEST_CHROMIUM'] || '/usr/bin/chromium'

/** Quiet: a test's browser calls nobody but the server under test. */
export const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--no-first-run',
]
