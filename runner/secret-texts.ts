import { allPlanSteps, HOOKS } from '#pipelines/wire/plan.ts'
import type { Get, Plan, PlanStep, Put } from '#pipelines/wire/plan.ts'

type Credential = { readonly username: string; readonly password: string } | null

/** Every text of a run that nobody may see: its secrets, what opens its repositories, registries and other resources, and its lease. */
export function secretTexts(plan: Plan, lease: string): string[] {
  const steps = allPlanSteps([...plan.steps, ...HOOKS.flatMap((hook) => plan.hooks[hook])])
  const credentials = [
    plan.checkout?.credential ?? null,
    ...plan.gets.map((get) => (get.kind === 'git' ? get.checkout.credential : null)),
    ...steps.map(credentialOf),
  ]
  const hidden = [...plan.gets, ...steps.map(resourceOf)].flatMap((each) =>
    each?.kind === 'custom' ? (each.hidden ?? []) : [],
  )
  return [
    lease,
    ...Object.entries(plan.secrets).flatMap(tellingOf),
    ...credentials.flatMap(textsOf),
    ...hidden,
  ]
}

/** Of a one-time address its end alone opens the door, too: clients print paths without the host. */
const tellingOf = ([name, text]: [string, string]): string[] =>
  name.startsWith('CALLBACK_URL_') ? [text, text.slice(text.lastIndexOf('/') + 1)] : [text]

function credentialOf(step: PlanStep): Credential {
  if (step.kind === 'get') return step.get.kind === 'git' ? step.get.checkout.credential : null
  if (step.kind !== 'put') return null
  return step.put.kind === 'image' || step.put.kind === 'git' ? step.put.credential : null
}

function resourceOf(step: PlanStep): Get | Put | null {
  if (step.kind === 'get') return step.get
  return step.kind === 'put' ? step.put : null
}

/** The password alone, and the pair as an `Authorization` header carries it, in base64. The name is known to everybody. */
const textsOf = (credential: Credential): string[] =>
  credential ? [credential.password, `${credential.username}:${credential.password}`] : []

/** A line for people who wonder why a variable is empty. */
export const withheldWords = (names: readonly string[]): string =>
  `Not given to this run, since pull requests get no secrets: ${names.join(', ')}\n`
