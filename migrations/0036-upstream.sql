-- Jobs of other pipelines as resources: each green end of one is a version, told once to everybody who follows it.

alter table resources drop constraint resources_kind_check;
alter table resources add constraint resources_kind_check check (  -- older rows are of fewer kinds, and need not be looked through
  kind in ('git', 'registry', 'time', 'semver', 'params', 'state', 'files', 'event', 'custom', 'upstream')
) not valid;

-- Whom each resource follows, as the default branch's file names it: whether that is there is asked when it ends, and when people look.
create table followed_jobs (
  resource_id bigint primary key references resources on delete cascade,
  project     text   not null,
  pipeline    text   not null,
  job         text   not null,
  lanes       text[] not null,                        -- globs; none: the default branch's
  looks_left  int    not null default 2,              -- how often its newest end is still looked for: the second time for one
  look_at     timestamptz not null default now()      -- that was about to be committed when this was
);
create index followed_jobs_look on followed_jobs (look_at) where looks_left > 0;
create index followed_jobs_job on followed_jobs (project, pipeline, job);

-- Ends that are still to be told, written by the transaction that ended the run.
create table ends_to_tell (
  ending_id bigint primary key references endings on delete cascade
);

-- What became of each end at each resource that follows its job: a version, or why there is none.
create table heard_ends (
  resource_id bigint      not null references resources on delete cascade,
  run_id      bigint      not null references runs on delete cascade,      -- the first of its retries, of a matrix the first leg
  ended_id    bigint      not null references runs on delete cascade,      -- the run that turned it green
  version_id  bigint      references versions on delete cascade,
  reason      text,
  at          timestamptz not null default now(),
  primary key (resource_id, run_id),
  check ((version_id is null) = (reason is not null))
);
create index heard_ends_run on heard_ends (run_id);
create index heard_ends_ended on heard_ends (ended_id) where ended_id <> run_id;
create index heard_ends_version on heard_ends (version_id);
