import { z } from 'zod'
import { Triggers } from './shape/edges.ts'
import { Environment, Notify } from './shape/environments.ts'
import { Job, shared } from './shape/job.ts'
import { Resource, ResourceType } from './shape/resources.ts'
import { key, name } from './shape/scalars.ts'

export { NAME } from './shape/scalars.ts'

/**
 * The shape of a pipeline file.
 *
 * Objects are strict: an unknown key is an error. Short and long forms stay as they are written; pipeline.ts makes one of them.
 */
export const PipelineFile = z.strictObject({
  resources: key(
    z.record(name, Resource),
    'What changes; the repository of this file, named `src`, when absent',
  ),
  resource_types: key(z.record(name, ResourceType), 'Types of resources besides those that Takt knows'),
  triggers: key(
    Triggers,
    'The events that become versions, and so the lanes; pushes and pull requests when absent',
  ),
  defaults: key(z.strictObject(shared), 'What jobs leave unsaid'),
  jobs: z
    .record(name, Job)
    .refine((jobs) => Object.keys(jobs).length > 0, { error: 'a pipeline needs at least one job' })
    .describe('The stations of the line'),
  environments: key(z.record(name, Environment), 'Places that jobs deploy to, and how they are looked after'),
  notify: key(Notify, 'Who is told of what'),
})
export type PipelineFile = z.output<typeof PipelineFile>
export type PipelineInput = z.input<typeof PipelineFile>
