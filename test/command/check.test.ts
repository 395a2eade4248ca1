import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cloneOf } from '../support/repository.ts'
import { ROOT, scratch, takt } from './run-takt.ts'

const GOOD = 'jobs:\n  test:\n    image: busybox:1\n    run: true\n'
const BAD = 'jobs:\n  test:\n    image: busybox:1\n    rnu: true\n'

test('a good file is green and leaves standard output empty', async () => {
  const { code, out, err } = await takt(['check', 'pipelines/examples/hello.yml'], { cwd: ROOT })
  expect({ code, out, err }).toEqual({ code: 0, out: '', err: '1 file: 0 errors, 0 warnings\n' })
})

test('a bad file is red, with file, line, column, rule and what to do', async () => {
  await using here = await scratch()
  await writeFile(join(here.path, 'a.yml'), BAD)
  const { code, out } = await takt(['check', 'a.yml'], { cwd: here.path })
  expect(code).toBe(1)
  expect(out).toMatch(/^a\.yml:4:5: error: unknown key `rnu` \(unknown-key\)\n {4}/m)
})

test('without names it reads what a push would bring to life', async () => {
  await using here = await scratch()
  await mkdir(join(here.path, '.takt'))
  await writeFile(join(here.path, '.takt.yml'), GOOD)
  await writeFile(join(here.path, '.takt', 'b.yml'), GOOD)
  await writeFile(join(here.path, '.takt', 'notes.txt'), 'not a pipeline')
  const { code, out } = await takt(['check', '--json'], { cwd: here.path })
  expect(code).toBe(0)
  expect(JSON.parse(out)).toEqual({
    files: [
      { file: '.takt.yml', diagnostics: [] },
      { file: '.takt/b.yml', diagnostics: [] },
    ],
  })
})

test('for programs a red check is red too, and standard output is JSON alone', async () => {
  await using here = await scratch()
  await writeFile(join(here.path, 'a.yml'), BAD)
  const { code, out } = await takt(['check', '--json', 'a.yml'], { cwd: here.path })
  expect(code).toBe(1)
  expect(JSON.parse(out).files[0].diagnostics[0]).toMatchObject({ severity: 'error', line: 4, column: 5 })
})

test.each([
  ['a file that is not there', ['nope.yml'], /nope\.yml cannot be read: there is no such file/],
  ['a directory', ['.'], /\. cannot be read: it is a directory/],
  ['nothing to check', [], /there is no \.takt\.yml and no \.takt\/\*\.yml here/],
])('%s is wrong use, told in words', async (_, files, words) => {
  await using here = await scratch()
  await chmod(here.path, 0o755)
  const { code, err } = await takt(['check', ...files], { cwd: here.path })
  expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(words) })
})

test('it loads neither the server nor the database', async () => {
  const { code } = await takt(['check', 'pipelines/examples/hello.yml'], {
    cwd: ROOT,
    env: { NODE_OPTIONS: `--import=${forbidding('hono', 'pg', 'kysely', 'ws')}` },
  })
  expect(code).toBe(0)
})

/** A preloaded module that makes loading any of these packages an error. */
function forbidding(...packages: string[]): string {
  const hook = `import { registerHooks } from 'node:module'
    registerHooks({ resolve(name, context, next) {
      if (${JSON.stringify(packages)}.some((each) => name === each || name.startsWith(each + '/'))) throw new Error('loads ' + name)
      return next(name, context)
    } })`
  return `data:text/javascript,${encodeURIComponent(hook)}`
}

test('a template of the repository itself is read at its commit, one of another is not', async () => {
  await using clone = await cloneOf('https://nowhere.example/x.git')
  const sha = await clone.commit({ 'ci/a.yml': 'job: { image: "a:1", rnu: x }' })
  const using = async (reference: string) => {
    await writeFile(join(clone.dir, '.takt.yml'), `jobs: { test: { use: "${reference}" } }`)
    return takt(['check'], { cwd: clone.dir })
  }
  const read = await using(`.//ci/a.yml@${sha}`)
  expect(read.code).toBe(1)
  expect(read.out).toContain(`.//ci/a.yml@${sha}:1:22: unknown key \`rnu\``)
  expect((await using(`.//ci/b.yml@${sha}`)).out).toContain('this repository has no ci/b.yml at')
  expect(await using(`https://nowhere.example/ci.git//a.yml@${sha}`)).toMatchObject({ code: 0, out: '' })
  const graph = await takt(['graph', '--json'], { cwd: clone.dir })
  expect(graph.code).toBe(0)
})
