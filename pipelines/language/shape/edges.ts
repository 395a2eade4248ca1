import { z } from 'zod'
import { flag, glob, key, mapping, name, oneOf, some, someText, text } from './scalars.ts'

export const START_MODES = ['settled', 'strict', 'chrono', 'immediate'] as const
export const start = oneOf(...START_MODES)

const Get = z.strictObject({
  trigger: key(flag, 'Whether a new version starts the job; true when absent'),
  version: key(someText, '`latest`, `every`, or the one version to take'),
  start: key(start, 'How a run starts when this edge triggers'),
  params: key(mapping, 'What the image of a custom type is told when it fetches the version'),
})
export const gets = z.union([name, z.array(name).min(1).max(50), z.record(name, Get)])

const Need = z.strictObject({
  trigger: key(flag, 'Whether a new green run starts the job; true when absent'),
  on: key(
    some(oneOf('success', 'failure', 'finish'), 3),
    'Which endings of that job count; success when absent',
  ),
  versions: key(
    oneOf('same', 'any'),
    '`any` takes the newest run of that job, whatever the other inputs are',
  ),
  start: key(start, 'How a run starts when this edge triggers'),
})
export const needs = z.union([name, z.array(name).min(1).max(100), z.record(name, Need)])

export const when = some(oneOf('push', 'pull_request', 'tag', 'manual', 'schedule'), 5)

const Push = z.strictObject({
  branches: key(some(glob, 50), 'Branches whose pushes become versions'),
  paths: key(some(glob, 50), 'Only commits that touch one of these paths'),
})
const PullRequest = z.strictObject({
  branches: key(some(glob, 50), 'The branches that pull requests go to'),
  paths: key(some(glob, 50), 'Only pull requests that touch one of these paths'),
  drafts: key(flag, 'Whether drafts count; true when absent'),
  labels: key(some(someText, 20), 'Only pull requests with one of these labels'),
  forks: key(
    oneOf('approve', 'first_time', 'allow', 'ignore'),
    'What becomes of pull requests from forks: whom an approval is asked for; `approve`, for every commit, when absent',
  ),
})
export const Triggers = z.strictObject({
  push: key(
    z.union([glob, z.array(glob).min(1).max(50), Push]),
    'Branches whose pushes become versions; every branch when absent',
  ),
  pull_request: key(
    z.union([glob, z.array(glob).min(1).max(50), PullRequest]),
    'Branches whose pull requests become versions of a lane of their own: untrusted, without secrets and puts',
  ),
  tag: key(some(glob, 50), 'Tags that become versions; none when absent'),
  skip: key(
    z.strictObject({
      paths: key(some(glob, 50), 'Commits that touch nothing but these paths are passed over'),
      message: key(some(text.min(1), 20), 'Commits whose message holds one of these are passed over'),
    }),
    'Commits that start nothing',
  ),
})
