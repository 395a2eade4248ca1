/** As long as a ref's full name may be, in bytes of UTF-8. Files, lanes and messages are named after it. */
export const MOST_REF_BYTES = 500

/**
 * What git itself takes for no ref name (git-check-ref-format): letters that mean something to it (a range, a revision, a
 * pattern, the border of a refspec), parts that begin with a dot or end in `.lock`, empty parts.
 */
const NO_NAME = /[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(\/|$)|[./]$/

/**
 * Whether this is the full name of a ref, `refs/heads/fix(ui)` as well as `refs/tags/v1.2`. Beginning with `refs/`, such a name
 * is never an option, and holding none of git's own signs it is never more than one side of a refspec.
 */
export const isRefName = (name: string): boolean =>
  /^refs\/[^/]+\/[^/]/.test(name) &&
  !NO_NAME.test(name) &&
  name.isWellFormed() &&
  new TextEncoder().encode(name).length <= MOST_REF_BYTES
