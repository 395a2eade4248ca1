/**
 * A whole pipeline, to begin with. It is green in an empty repository and on any runner: `takt-demo:1` is an image that runners
 * make by themselves, and without Docker no image is asked for.
 */
export const STARTER = `# Every push runs this. In the editor, Ctrl Space says what else could stand here.
defaults: { image: 'takt-demo:1' } # any image you like, such as node:22

jobs:
  build:
    run:
      - echo "building $SRC_SHA"
      - ls -a
  test:
    needs: build # the very commit that build turned green
    run: echo "testing what came from $SRC_BRANCH"
`

/** What asks a person before a job goes on: to be added to a file's jobs. */
export const GATE = `  ship:
    needs: test
    steps:
      - approve: {}
      - run: echo "shipped $SRC_SHA"`
