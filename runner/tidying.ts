/**
 * What may set a trap in the shell that reads it: the word itself, and whatever reads more words in.
 *
 * Behind anything that can stand before a command; a dot that is an argument is taken for one that reads a file, which is the safe
 * side.
 */
const MAY_TRAP = /\b(?:trap|eval|source)\b|(?:^|[\s;&|(){}!])\.\s/m

/** Whether a step's own shell may tidy up when it is stopped: what it begins then is to be left alone. */
export const mayTidy = (commands: readonly string[]): boolean => commands.some((text) => MAY_TRAP.test(text))
