import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { createZstdDecompress } from 'node:zlib'
import { pipeline } from 'node:stream/promises'
import tar from 'tar-fs'
import { expect, test } from 'vitest'
import { ARCHIVE_BOUNDS } from '#pipelines/wire/archive.ts'
import { CONTENTS, type Engine, type Workspace } from '../../runner/engine.ts'
import { packFiles } from '../../runner/freight/pack-files.ts'
import { planOf } from '../runner/plans.ts'
import { begin, collect, open } from './contract.ts'

type Ground = { readonly engine: () => Engine; readonly image: string | null }
const idle = () => new AbortController().signal

async function folder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'takt-files-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** A tar stream of one entry, written by hand: what a packer would refuse to make. */
function entry(name: string, { link = '', type = '0' } = {}): Readable {
  const head = Buffer.alloc(512)
  const fields: [number, string][] = [
    [0, name],
    [100, '0000644'],
    [108, '0000000'],
    [116, '0000000'],
  ]
  for (const [at, text] of [
    ...fields,
    [124, '00000000000'],
    [136, '00000000000'],
    [156, type],
    [157, link],
    [257, 'ustar\x0000'],
  ] as const)
    head.write(text, at, 'latin1')
  head.write('        ', 148)
  head.write(
    `${head
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  )
  return Readable.from([head, Buffer.alloc(1024)], { objectMode: false })
}

/** The rules of files that go into a workspace and come out of it. */
export function describeFiles({ engine, image }: Ground): void {
  const place = () => open(engine(), planOf([], { image }))
  const shown = async (workspace: Workspace, command: string) =>
    (await collect(begin(workspace, [command]))).text

  test('files written as a tar are there for the steps, in a folder that is made for them', async () => {
    await using from = await folder()
    await mkdir(join(from.path, 'd'))
    await writeFile(join(from.path, 'd/a.sh'), 'echo "from $0"\n', { mode: 0o755 })
    await symlink('a.sh', join(from.path, 'd/b'))
    await using workspace = await place()
    for (const path of ['work', 'inputs/one/deep'])
      await workspace.write(path, Readable.from(tar.pack(from.path), { objectMode: false }), idle())
    expect(await shown(workspace, './d/b; cd ../inputs/one/deep; ./d/a.sh')).toBe(
      'from ./d/b\nfrom ./d/a.sh\n',
    )
  })

  test('files of the steps are read as a tar, named like the last part of the path', async () => {
    await using workspace = await place()
    await shown(workspace, 'mkdir -p out/d; echo one > out/d/a; ln -s /etc/passwd out/link; echo x > file')
    await using to = await folder()
    for (const path of ['work/out', 'work/file'])
      await pipeline(
        (await workspace.read(path, idle()))!,
        tar.extract(to.path, { validateSymlinks: false } as object),
      )
    expect(await readFile(join(to.path, 'out/d/a'), 'utf8')).toBe('one\n')
    expect(await readFile(join(to.path, 'file'), 'utf8')).toBe('x\n')
  })

  test('where nothing is, nothing is read', async () => {
    await using workspace = await place()
    expect(await workspace.read('work/nothing', idle())).toBeNull()
  })

  test.each(['../out', '/etc', 'work/../../x', ''])('the path %j is refused', async (path) => {
    await using workspace = await place()
    await expect(workspace.read(path, idle())).rejects.toMatchObject({ code: 'bad_path' })
    await expect(workspace.write(path, entry('a'), idle())).rejects.toMatchObject({ code: 'bad_path' })
  })

  test.each([
    ['a name that climbs', entry('../../../climbed')],
    ['an absolute name', entry('/climbed')],
  ])('%s leaves nothing outside the folder', async (_name, stream) => {
    await using workspace = await place()
    await workspace.write('inputs', stream, idle()).catch(() => {}) // refused is as good as kept inside
    expect(await shown(workspace, 'ls -d /climbed ../climbed ../../climbed 2>/dev/null || :')).toBe('')
  })

  test('a file is not written through a link out of the workspace', async () => {
    await using victim = await folder()
    await using workspace = await place()
    await shown(workspace, `ln -s ${victim.path} ../inputs/link`)
    await workspace.write('inputs', entry('link/planted'), idle()).catch(() => {}) // refused is as good
    await workspace.write('inputs/link', entry('planted'), idle()).catch(() => {}) // likewise
    await expect(readFile(join(victim.path, 'planted'))).rejects.toThrow('ENOENT')
  })

  test('a workspace restored elsewhere is as it was: content, modes, times, links of every kind, folders that nobody may write to', async () => {
    const MAKE = [
      String.raw`umask 022; printf '\000\377\r\n' > bytes; echo x > one; chmod 640 one; ln one two; mkdir -p a/b; echo y > a/b/c`,
      "ln -s /etc/passwd away; ln -s ../../../../x/y climbs; ln -s a linked; : > 'a name, with spaces'; mkfifo pipe",
      'echo made > made; touch -d "2001-02-03 04:05:07" made; echo old > old; touch -d "2001-02-03 04:05:06" old; echo n > new',
      'mkdir ../caches; echo tool > ../caches/tool; echo in > ../inputs/in; echo s > ../state/s; echo v=1 > ../output',
      'chmod 600 new; chmod 777 a/b/c; touch -d "2002-02-02 02:02:02" a/b; chmod 555 a/b',
    ]
    const LOOK = [
      'cd ..; find work inputs state states caches output ! -type p | sort | while read -r f; do',
      '  if [ -h "$f" ]; then echo "$f -> $(readlink "$f")"; else stat -c "%n %a %F %s %Y" "$f"; fi; done',
      'cat work/one work/two work/bytes work/a/b/c caches/tool inputs/in state/s output | od -An -tx1',
      '[ work/new -nt work/made ]; [ work/made -nt work/old ]; echo all',
    ]
    await using from = await place()
    await shown(from, MAKE.join('\n'))
    const { stream } = packFiles(from, {
      ...{ folder: '', roots: CONTENTS, matches: () => true, whole: true, words: 'It', signal: idle() },
      bounds: ARCHIVE_BOUNDS.workspace,
    })
    await using to = await place()
    await to.restore(stream.pipe(createZstdDecompress()), idle())
    const seen = await shown(to, LOOK.join('\n'))
    expect(seen).toBe(await shown(from, LOOK.join('\n')))
    expect(seen).toMatch(/a\/b 555 [^]*away -> \/etc\/passwd\n[^]*climbs -> [^]*one 640 [^]*all\n/)
    await shown(from, 'chmod 755 a/b')
    await shown(to, 'chmod 755 a/b')
  })

  test('files can be read after the commands’ own end was violent', async () => {
    await using workspace = await place()
    await expect(shown(workspace, 'echo here > file; kill -9 $$; sleep 300')).rejects.toThrow()
    expect(await workspace.read('work/file', idle())).not.toBeNull()
  })
}
