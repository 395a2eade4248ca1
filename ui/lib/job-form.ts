import { config } from 'zod'
import { formOf } from '#pipelines/language/normal/steps.ts'
import { Form } from '#pipelines/language/shape/forms.ts'
import { childOf } from '#pipelines/language/schema-walk.ts'
import { readSource } from '#pipelines/language/source.ts'
import type { FormField } from '#pipelines/language/step.ts'

// The dashboard is served with a policy that lets no text become code.
config({ jitless: true })

/**
 * What a job asks a person for when it is started by hand, read from its pipeline's file.
 *
 * A job that a template writes asks for what the template says, which stands in another file: of such a job the fields are known
 * only once the server names them.
 */
export function formOfJob(source: string, job: string): readonly FormField[] {
  const file = readSource(source)
  if ('diagnostics' in file) return []
  const written = childOf(childOf(childOf(file.tree, 'jobs'), job), 'inputs')
  const form = Form.safeParse(written ?? {})
  return form.success ? formOf(form.data) : []
}
