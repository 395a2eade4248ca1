import type { ForgePlace } from './forge-of.ts'

/** A pull request as its forge shows it to who asks. */
export type ShownPull = {
  readonly number: number
  /** The forge's own number of the repository that it is to be merged into. */
  readonly repositoryId: string
  /** Its head; null when it is over. */
  readonly sha: string | null
  readonly base: string
  readonly draft: boolean
  readonly labels: readonly string[]
  /** The body that the forge's own hook would have sent. */
  told(change: PullChange): object
}
/** What befell a pull request, in our words. */
export type PullChange = {
  readonly what: 'opened' | 'reopened' | 'pushed' | 'changed' | 'closed'
  /** Where its head was; null where nobody said. */
  readonly before: string | null
}

export type Listing = {
  /** What the forge calls the repository. */
  readonly repository: string
  /** The address that ours has. */
  readonly url: string
  /** Those that were open by what we know. */
  readonly open: readonly number[]
  readonly signal: AbortSignal
}

/** A forge that shows the pull requests of a repository. */
export interface PullForge extends ForgePlace {
  /** The event by which its own hook tells of them. */
  readonly event: string
  /**
   * All that are open, and what became of those that were.
   *
   * @throws {ForgeRefusal} Everything that can be expected of a forge.
   */
  pulls(listing: Listing): Promise<readonly ShownPull[]>
}

/** So many pages are read of the open ones; those beyond are asked for one by one where they are known. */
export const MOST_PAGES = 20
/** So many are asked for one by one in one look; the others in the next. */
export const MOST_SINGLE = 100

type Pages<Item> = {
  page(number: number): Promise<readonly Item[]>
  /** So many stand on a page that is full. */
  readonly size: number
}

/** Read pages until one is not full. */
export async function allPages<Item>({ page, size }: Pages<Item>): Promise<Item[]> {
  const all: Item[] = []
  for (let number = 1; number <= MOST_PAGES; number++) {
    const items = await page(number)
    all.push(...items)
    if (items.length < size) break
  }
  return all
}

/** Those that were open and are not in the list: each is asked for by itself, because a list that was cut says nothing of them. */
export const missingIn = (open: readonly number[], listed: readonly { readonly number: number }[]) => {
  const seen = new Set(listed.map(({ number }) => number))
  return open.filter((number) => !seen.has(number)).slice(0, MOST_SINGLE)
}
