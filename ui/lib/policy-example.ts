/** Rules to begin with, where an organization has none yet: one of each kind that people ask for first. */
export const POLICY_EXAMPLE = `# Of each thing the first rule that speaks of it decides;
# what no rule speaks of is allowed.
- name: ours
  effect: allow
  image: 'registry.acme.example/**'

- name: others
  effect: warn # deny, once nothing is warned of any more
  image: '**'
  message: 'mirror it first: ask the platform team'

- name: production-secrets
  effect: deny
  secret: 'PROD_*'
  lanes: '!main'

- name: long-jobs
  effect: deny
  run_time_over: 2h
`
