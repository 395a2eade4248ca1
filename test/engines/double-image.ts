import type Docker from 'dockerode'
import tar from 'tar-stream'
import { Readable } from 'node:stream'
import { TEST_IMAGE } from './test-image.ts'

/** What every program of the double notes of how it was called. */
const NOTE = `#!/bin/sh
input=$(cat)
ARGV=$(printf '%s\\n' "$0" "$@")
note() {
  printf %s "$input" > "$1/stdin"
  echo "$ARGV" > "$1/argv"
  env | sort > "$1/env"
  pwd > "$1/cwd"
  id -u > "$1/user"
  if [ -t 0 ] || [ -t 1 ]; then echo yes; else echo no; fi > "$1/tty"
}
asked() { case $input in *"\\"do\\":\\"$1\\""*) true ;; *) false ;; esac; }
hang() {
  trap 'echo "heard TERM" >&2; echo term > /tmp/heard; [ -n "$STUBBORN" ] || exit 9' TERM
  echo hanging >&2
  while :; do sleep 0.1; done
}
printf 'a line on stderr\\n\\033[31mred\\033[0m\\n' >&2
if asked fail; then echo 'no such thing' >&2; echo '{"version":{"ref":"never"}}'; exit 3; fi
if asked garbage; then echo 'no such bucket' >&2; echo 'this is no JSON'; exit 0; fi
if asked nothing; then exit 0; fi
if asked number; then echo '{"version":{"ref":7}}'; exit 0; fi
if asked empty; then echo '{"version":{}}'; exit 0; fi
fill() { echo filling >&2; dd if=/dev/zero of="$1" bs=1M count=120 2>&-; sleep 300; }
if asked fill; then fill /tmp/big; fi
if asked fill-volume; then fill /kept/big; fi
if asked sip; then dd if=/dev/zero of="$(mktemp /tmp/sip.XXXXXX)" bs=1M count=25 2>&-; fi
if asked hang; then hang; fi
if asked stubborn; then STUBBORN=1 hang; fi
if asked flood; then head -c 40000000 /dev/zero | tr '\\000' x; exit 0; fi
`
const MADE = `echo '{"version":{"ref":"made","n":"2"},"metadata":[{"name":"author","value":"somebody","type":"time"},{"name":"empty","value":""}],"more":[1,{"a":"}"}]} trailing {'`

const PROGRAMS: Readonly<Record<string, string>> = {
  check: `${NOTE}
if asked bad; then echo '[{"ref":["a"]}]'; exit 0; fi
if asked null; then echo null; exit 0; fi
n=$(cat /tmp/count 2>/dev/null || echo 0)
echo $((n + 1)) > /tmp/count
[ -e /tmp/running ] && echo overlap >> /tmp/overlaps
touch /tmp/running
if asked slow; then sleep 0.3; fi
rm /tmp/running
mkdir -p /tmp/notes
note /tmp/notes
b64() { base64 "$1" | tr -d '\\n'; }
cat <<END
[{"ref":"first"},{"stdin":"$(b64 /tmp/notes/stdin)","env":"$(b64 /tmp/notes/env)","cwd":"$(cat /tmp/notes/cwd)","arguments":"$#","count":"$(cat /tmp/count)","overlaps":"$(cat /tmp/overlaps 2>/dev/null | wc -l | tr -d ' ')","who":"$(hostname)"}] and more
END
`,
  in: `${NOTE}
note "$1"
echo content > "$1/file"; chmod 700 "$1/file"
mkdir "$1/folder"; ln -s ../file "$1/folder/link"; ln "$1/file" "$1/folder/hard"
ln -s /etc/passwd "$1/out"
mkfifo "$1/pipe"
if asked replace; then rm -rf "$1"; ln -s /etc "$1"; fi
${MADE}
`,
  out: `${NOTE}
(cd "$1" && find . -type f | sort | while read -r file; do echo "$file: $(cat "$file")"; done) >&2
for folder in "$1"/*/; do echo changed > "$folder/changed"; done
note "$1"
echo "stdin: $(cat "$1/stdin")" >&2
${MADE}
`,
}

export type Double = AsyncDisposable & { readonly name: string }

/** An image of the resource protocol that answers what its source or params ask it to `do`, and notes how it was called. */
export async function doubleImage(docker: Docker, changes: readonly string[] = []): Promise<Double> {
  const tag = `${process.pid}-${Math.random().toString(36).slice(2, 8)}`
  const name = `takt-test/double:${tag}`
  const container = await docker.createContainer({ Image: TEST_IMAGE, Cmd: ['true'] })
  const pack = tar.pack()
  for (const [program, text] of Object.entries(PROGRAMS))
    pack.entry({ name: `opt/resource/${program}`, mode: 0o755 }, text)
  pack.finalize()
  await container.putArchive(Readable.from(pack, { objectMode: false }), { path: '/' })
  await container.commit({
    repo: 'takt-test/double',
    tag,
    changes: ['ENV OF_THE_IMAGE=yes', ...changes].join('\n'),
  })
  await container.remove()
  const remove = async () => void (await docker.getImage(name).remove({ force: true }))
  return { name, [Symbol.asyncDispose]: remove }
}
