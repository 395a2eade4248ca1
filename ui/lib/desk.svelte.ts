import { laneOfBranch } from '#pipelines/plan/lanes.ts'
import { type Asker, may } from './asker.ts'
import { api, asRefusal, type Refusal } from './api.ts'
import { type Draft, keepDraft, keptDraft } from './draft.ts'
import { editor, type EditorAt, type FileView } from './editor-api.ts'
import { STARTER } from './starter-file.ts'

/** The text that somebody began with, and what a commit goes on from. */
type Base = {
  readonly text: string
  readonly commit: string | null
  readonly branch: string | null
}
/** What lies on the desk: a file as it stands on a lane, or one that is about to be the first. */
type Sheet = Pick<FileView, 'path' | 'lane' | 'hosted' | 'may_commit'> & Base & { readonly isNew: boolean }

/** A second text beside the one that is written. */
export type Beside = { readonly whose: 'mine' | 'theirs'; readonly text: string }

/** Nothing was pushed yet: a project, a lane or a commit without this file. */
const NOTHING_YET = ['pipeline-not-found', 'lane-not-found', 'file-not-found']

/**
 * A pipeline's file while somebody writes it: what it was, what it is by now, and where a commit of it would go.
 *
 * What is not committed is kept in this tab of the browser. Nobody's text is lost when the branch goes on meanwhile.
 */
export class Desk {
  readonly sheet: Sheet
  readonly #at: EditorAt
  #base = $state.raw<Base>({ text: '', commit: null, branch: null })
  #text = $state('')
  #newer = $state.raw<FileView | null>(null)
  #mine = $state.raw<string | null>(null)
  #committed = $state.raw<{ readonly commit: string; readonly branch: string } | null>(null)
  #refusal = $state.raw<Refusal | null>(null)
  /** Whether what is written was found again, from before. */
  isBack = $state(false)
  isBusy = $state(false)

  constructor(at: EditorAt, sheet: Sheet) {
    this.#at = at
    this.sheet = sheet
    this.#base = sheet
    this.#text = sheet.isNew ? STARTER : sheet.text
    const draft = keptDraft(this.#draftAt)
    if (draft && draft.text !== sheet.text) this.#goOn(draft)
  }

  /** @throws {Refusal} Also where there is no file yet, and who asks may not make it here. */
  static async open(at: EditorAt, lane: string | null, asker: Asker): Promise<Desk> {
    const signal = AbortSignal.timeout(30_000)
    try {
      return new Desk(at, { ...(await editor.file(at, lane, signal)), isNew: false })
    } catch (cause) {
      const begun = NOTHING_YET.includes(asRefusal(cause).code) && (await newSheet(at, lane, asker))
      if (!begun) throw cause
      return new Desk(at, begun)
    }
  }

  get text(): string {
    return this.#text
  }
  get isChanged(): boolean {
    return this.#text !== this.#base.text
  }
  /** Whether something would be lost that nobody has but this page. */
  get isUnsaved(): boolean {
    return this.isChanged && !(this.sheet.isNew && this.#text === STARTER)
  }
  /** Where a commit goes if nobody says otherwise; null: there is no such branch. */
  get branch(): string | null {
    return this.#base.branch
  }
  /** What the text goes on from; null for a first file. */
  get onto(): string | null {
    return this.#base.commit
  }
  get committed() {
    return this.#committed
  }
  get refusal(): Refusal | null {
    return this.#refusal
  }
  /** The file as others have changed it meanwhile. */
  get newer(): FileView | null {
    return this.#newer
  }
  get beside(): Beside | null {
    if (this.#newer) return { whose: 'theirs', text: this.#newer.text }
    return this.#mine === null ? null : { whose: 'mine', text: this.#mine }
  }

  write(text: string): void {
    if (text === this.#text) return
    this.#text = text
    this.#committed = null
    this.#keep()
  }

  /** What was written is dropped: the text is again what it was. */
  dropAll(): string {
    this.isBack = false
    if (this.#newer) this.#base = this.#newer
    this.#newer = null
    this.write(this.#base.text)
    this.#keep()
    return this.#text
  }

  /** The newer text takes the place of what is written, which lies beside it. */
  takeNewer(): string {
    if (!this.#newer) return this.#text
    const mine = this.isChanged ? this.#text : null
    this.dropAll()
    this.#mine = mine
    return this.#text
  }

  /** What is written shall stand in place of the newer text. */
  keepMine(): void {
    if (this.#newer) this.#base = this.#newer
    this.#newer = null
    this.#keep()
  }

  /** Somebody may have committed to the file: their text is shown beside, if there is one that is not known here. */
  async look(): Promise<void> {
    if (this.isBusy) return
    const now = await this.#fileNow().catch(() => null) // A commit of what is written would tell it as well.
    if (!now || this.isBusy || now.text === this.#newer?.text) return
    if (now.text === this.#text || now.text === this.#base.text) {
      this.#base = { ...this.#base, text: now.text, commit: now.commit }
      this.#newer = null
    } else this.#newer = now
    this.#keep()
  }

  putAway(): void {
    this.#mine = null
  }

  /** @returns Whether it is committed; else there is a refusal, or a newer text. */
  async commit(message: string, branch: string): Promise<boolean> {
    this.isBusy = true
    this.#refusal = null
    try {
      await this.#send(message, branch)
      return true
    } catch (cause) {
      this.#refusal = asRefusal(cause)
      if (this.#refusal.code === 'file-moved' && (await this.#meetsNewer())) this.#refusal = null
      return false
    } finally {
      this.isBusy = false
    }
  }

  async #send(message: string, branch: string): Promise<void> {
    const text = this.#text
    const send = () => editor.commit(this.#at, { text, message, branch, onto: this.#base.commit })
    const { commit, branch: to } = await send().catch(async (cause: unknown) => {
      const refusal = asRefusal(cause)
      if (refusal.code !== 'file-moved' || !(await this.#catchUp(branch, refusal))) throw cause
      return send()
    })
    this.#base = { text, commit, branch: to }
    this.#committed = { commit, branch: to }
    this.isBack = false
    this.#mine = null
    this.#keep()
  }

  /** Where the branch went on without this file, the change goes on top of that. */
  async #catchUp(branch: string, { head }: Refusal): Promise<boolean> {
    const now = await this.#fileNow()
    if (now && (now.text !== this.#base.text || now.commit === this.#base.commit)) return false
    if (now) this.#base = { ...this.#base, commit: now.commit }
    else if (this.sheet.isNew && head !== null) this.#base = { ...this.#base, commit: head, branch }
    return now !== null || (this.sheet.isNew && head !== null)
  }

  async #meetsNewer(): Promise<boolean> {
    const now = await this.#fileNow()
    if (!now || now.text === this.#base.text) return false
    this.#newer = now
    return true
  }

  async #fileNow(): Promise<FileView | null> {
    try {
      const { lane, branch: own } = this.sheet
      const { branch } = this.#base
      const of = branch === null || branch === own ? lane : laneOfBranch(branch)
      return await editor.file(this.#at, of, AbortSignal.timeout(30_000))
    } catch (cause) {
      if (NOTHING_YET.includes(asRefusal(cause).code)) return null
      throw cause
    }
  }

  get #draftAt() {
    return { ...this.#at, lane: this.sheet.lane }
  }

  #goOn(draft: Draft): void {
    this.#text = draft.text
    this.isBack = true
    if (draft.base === this.sheet.text) return
    this.#base = { text: draft.base, commit: draft.commit, branch: this.sheet.branch }
    const { path, text, lane, branch, commit, hosted, may_commit } = this.sheet
    if (commit !== null) this.#newer = { path, text, lane, branch, commit, hosted, may_commit }
  }

  #keep(): void {
    const { text: base, commit } = this.#base
    keepDraft(this.#draftAt, this.isChanged ? { text: this.#text, base, commit } : null)
  }
}

/** A first file, where Takt keeps the repository and who asks may push to it. */
async function newSheet(
  { project, pipeline }: EditorAt,
  lane: string | null,
  asker: Asker,
): Promise<Sheet | null> {
  const { body } = await api.projects(AbortSignal.timeout(30_000))
  const found = body.items.find(({ name }) => name === project)
  if (!found || found.repository.kind !== 'hosted' || !may(asker, found.role, 'maintainer')) return null
  const branch = lane ?? found.repository.default_branch ?? 'main'
  const path = pipeline === 'main' ? '.takt.yml' : `.takt/${pipeline}.yml`
  return { path, lane: branch, branch, hosted: true, may_commit: true, text: '', commit: null, isNew: true }
}
