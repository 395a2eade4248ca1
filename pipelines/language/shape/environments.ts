import { z } from 'zod'
import { Form, people } from './forms.ts'
import { cron, glob, key, longSpan, name, oneOf, secretName, some, someText, whole, zone } from './scalars.ts'

const form = key(Form, 'What people fill in when they start it by hand')
const job = name.describe('The job that does it')
const Operation = z.union([name, z.strictObject({ job, form })])
const Modify = z.record(
  name,
  z.union([
    name,
    z.strictObject({
      job,
      on: key(some(name, 20), 'Resources whose new versions start it'),
      state: key(oneOf('active', 'provisioning', 'migrating', 'disabled'), 'The state it leads to'),
      form,
    }),
  ]),
)
const Validate = z.union([
  name,
  z.strictObject({
    job,
    schedule: key(cron, 'When it looks by itself'),
    timezone: key(zone, 'UTC when absent'),
    form,
  }),
])

export const Environment = z.strictObject({
  protect: key(
    z.strictObject({
      approvals: key(whole(0, 20), 'How many people must say yes'),
      by: key(people, 'Teams and people who may'),
    }),
    'What every change of it asks for',
  ),
  freeze: key(some(cron, 20), 'Minutes in which nothing is changed, as schedules'),
  timezone: key(zone, 'The zone of its schedules; UTC when absent'),
  lifecycle: key(
    z.strictObject({
      create: key(Operation, 'Brings it up'),
      modify: key(Modify, 'Changes it, by name'),
      validate: key(Validate, 'Looks at it: 0 in sync, 2 drifted, else unknown'),
      reconcile: key(Operation, 'Brings it back to what it should be'),
      terminate: key(Operation, 'Takes it down'),
    }),
    'The jobs that manage it',
  ),
  on_drift: key(oneOf('alert', 'reconcile', 'block'), 'What happens when it is not what it should be'),
  per: key(oneOf('pull_request'), 'One for each open pull request'),
  ttl: key(longSpan, 'How long one lives after its last change'),
  max: key(whole(1, 1_000), 'How many there may be at once'),
})

export const NOTICES = ['failure', 'fixed', 'success', 'approval', 'drift', 'alert'] as const
const Channel = z.strictObject({
  to: key(some(someText, 20), 'Where it goes: a channel, an address'),
  when: key(some(oneOf(...NOTICES), NOTICES.length), 'What is told; failure and fixed when absent'),
  jobs: key(some(name, 100), 'Only about these jobs'),
  lanes: key(some(glob, 50), 'Only about these lanes; without it about all but pull requests’'),
  text: key(someText, 'The words of each notice, with `$(notice.job)` and the like in it'),
  login: key(secretName, 'The secret that opens it: a Slack address, or the key that signs requests'),
})
const channels = z.union([Channel, z.array(Channel).min(1).max(20)])
export const Notify = z.strictObject({
  slack: key(channels, 'Slack'),
  email: key(channels, 'Mail'),
  webhook: key(channels, 'A request with the event as JSON'),
})
