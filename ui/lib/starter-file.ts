/** A whole pipeline, to begin with. */
export const STARTER = `# Every push runs this. Ctrl Space says what else could stand here.
jobs:
  test:
    image: node:22
    run: [npm ci, npm test]
`
