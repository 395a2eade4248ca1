-- What was removed before removals were noted: it has runs, or versions, on the default branch's lane, whose file has it no more. Since when is
-- not known any more; the file in force is the first one that is known to be without it.

with standing as (
  select lanes.pipeline_id, lanes.id as lane_id, revisions.sha, revisions.created_at, revisions.definition
  from pipelines join projects on projects.id = pipelines.project_id
  join repositories on repositories.id = projects.repository_id
  join lanes on lanes.pipeline_id = pipelines.id and lanes.name in (repositories.default_branch, 'heads/' || repositories.default_branch)
    and lanes.kind = 'push'
  join revisions on revisions.id = lanes.revision_id
  where revisions.definition is not null
)
update jobs set removed_at = standing.created_at, removed_sha = standing.sha from standing
where jobs.pipeline_id = standing.pipeline_id and jobs.removed_at is null
  and not exists (select from jsonb_array_elements(standing.definition->'jobs') as one where one->>'name' = jobs.name)
  and exists (select from runs where runs.job_id = jobs.id and runs.lane_id = standing.lane_id);

with standing as (
  select lanes.pipeline_id, lanes.id as lane_id, revisions.sha, revisions.created_at, revisions.definition
  from pipelines join projects on projects.id = pipelines.project_id
  join repositories on repositories.id = projects.repository_id
  join lanes on lanes.pipeline_id = pipelines.id and lanes.name in (repositories.default_branch, 'heads/' || repositories.default_branch)
    and lanes.kind = 'push'
  join revisions on revisions.id = lanes.revision_id
  where revisions.definition is not null
)
update resources set removed_at = standing.created_at, removed_sha = standing.sha from standing
where resources.pipeline_id = standing.pipeline_id and resources.removed_at is null
  and not exists (select from jsonb_array_elements(standing.definition->'resources') as one where one->>'name' = resources.name)
  and exists (select from versions where versions.resource_id = resources.id and versions.lane_id = standing.lane_id);
