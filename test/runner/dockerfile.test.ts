import { describe, expect, test } from 'vitest'
import { readDockerfile } from '../../runner/resources/image/dockerfile.ts'

describe('of a Dockerfile', () => {
  test.each([
    ['RUN a', true],
    ['  run a', true],
    ['ONBUILD RUN a', true],
    ['COPY RUN /', false],
    ['# RUN a', false],
    ['COPY a \\\n RUN', false],
    ['# escape=`\nCOPY a `\n RUN', false],
  ])('%j has commands: %s', (text, has) => expect(readDockerfile(text).hasRun).toBe(has))

  test.each([
    ['RUN --mount=type=cache,target=/c a', 'RUN --mount=type=cache,target=/c'],
    ['RUN \\\n# why\n\n  --network=none a', 'RUN --network=none'],
    ['RUN <<EOF\na\nEOF', 'RUN <<'],
    ['COPY <<-"EOF" /a\nb\nEOF', 'COPY <<'],
    ['COPY --link a /', 'COPY --link'],
    ['ADD --chmod=700 a /', 'ADD --chmod=700'],
    ['COPY --from=x --chown=1 a /', null],
    ['ENTRYPOINT --mount', null],
    ['# syntax=docker/dockerfile:1\nRUN a', null],
  ])('%j only BuildKit knows %j', (text, modern) => expect(readDockerfile(text).modern).toBe(modern))

  test.each([
    ['# syntax=acme/x:1\nFROM a', ['acme/x:1']],
    ['#Syntax = acme/x:1 \nFROM a', ['acme/x:1']],
    ['\uFEFF# syntax=acme/x\nFROM a', ['acme/x']],
    ['#!/x\n// syntax=acme/x\nFROM a', ['acme/x']],
    ['\n# a comment\n# syntax=acme/x\nFROM a', ['acme/x']],
    ['{"syntax": "acme/x"}', ['{']],
    ['FROM syntax=a', []],
  ])('%j is to be read by %j', (text, frontends) => expect(readDockerfile(text).frontends).toEqual(frontends))

  test.each([
    ['ADD http://a/b /', 'http://a/b'],
    ['add HTTPS://a/b c /', 'HTTPS://a/b'],
    ['ADD "h"ttp://a/b /', 'http://a/b'],
    ['ADD h\\ttp://a/b /', 'http://a/b'],
    ['ADD ["\\u0068ttp://a", "/"]', 'http://a'],
    ['ADD --chown=1 \\\n git@a:b /', 'git@a:b'],
    ['ADD $X /', '$X'],
    ['ADD ht${X} /', 'ht${X}'],
    ['ONBUILD ADD https://a /', 'https://a'],
    ['ADD app-$VERSION.tgz /', null],
    ['ADD a b /', null],
    ['COPY http://a /', null],
    ['RUN curl http://a', null],
  ])('%j the engine would fetch %j', (text, fetched) => expect(readDockerfile(text).fetched).toBe(fetched))
})
