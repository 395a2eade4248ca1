-- The planner, whole: triggers with their fate, endings that vouch for versions, runs that are held, and lineage both ways.

-- What people decide about jobs and versions.
alter table jobs
  add column paused_at     timestamptz,
  add column paused_by     bigint references users on delete set null,
  add column paused_reason text,
  add check ((paused_at is null) = (paused_reason is null));

-- Resources of every kind have rows; only those of git lie in a repository.
alter table resources
  alter column repository_id drop not null,
  drop constraint resources_kind_check,
  add constraint resources_kind_check check (
    kind in ('git', 'registry', 'time', 'semver', 'params', 'state', 'files', 'event', 'custom')
  ),
  add constraint resources_repository_check check ((kind = 'git') = (repository_id is not null));

create table pins (
  resource_id bigint      not null references resources on delete cascade,
  lane_id     bigint      not null references lanes on delete cascade,
  version_id  bigint      not null references versions on delete cascade,
  pinned_by   bigint      references users on delete set null,
  reason      text        not null,
  pinned_at   timestamptz not null default now(),
  primary key (resource_id, lane_id)
);

-- What runs put: versions that came of others.
create table run_outputs (
  run_id      bigint not null references runs on delete cascade,
  resource_id bigint not null references resources,
  version_id  bigint not null references versions,
  primary key (run_id, resource_id)
);
create index run_outputs_version on run_outputs (version_id, run_id);

-- The versions that a put version came of, all the way: each question about a commit is one index probe.
create table version_origins (
  version_id bigint not null references versions on delete cascade,
  origin_id  bigint not null references versions on delete cascade,
  primary key (version_id, origin_id)
);
create index version_origins_origin on version_origins (origin_id, version_id);

-- How runs ended, and what that vouches for. A matrix ends once, with its last leg.
create table endings (
  id      bigint generated always as identity primary key,
  job_id  bigint not null references jobs on delete cascade,
  lane_id bigint not null references lanes on delete cascade,
  run_id  bigint not null references runs on delete cascade,
  how     text   not null check (how in ('success', 'failure', 'other'))
);
create index endings_job on endings (job_id, lane_id, how, id);
create index endings_run on endings (run_id);

-- The join: which endings of a job hold a version. One probe a needed job, however long the history.
create table ending_versions (
  job_id      bigint not null,
  lane_id     bigint not null,
  version_id  bigint not null,
  ending_id   bigint not null references endings on delete cascade,
  resource_id bigint not null,
  primary key (job_id, lane_id, version_id, ending_id)
);
create index ending_versions_ending on ending_versions (ending_id);

insert into endings (job_id, lane_id, run_id, how)
select job_id, lane_id, id, case state when 'succeeded' then 'success' when 'failed' then 'failure' else 'other' end
from runs where ended_at is not null order by id;
insert into ending_versions (job_id, lane_id, version_id, ending_id, resource_id)
select endings.job_id, endings.lane_id, run_inputs.version_id, endings.id, run_inputs.resource_id
from endings join run_inputs on run_inputs.run_id = endings.run_id;
drop table passed;

-- New facts on edges that trigger, each with what became of it. What waits is not lost, and what was passed over says why.
create table triggers (
  id         bigint generated always as identity primary key,
  job_id     bigint      not null references jobs on delete cascade,
  lane_id    bigint      not null references lanes on delete cascade,
  kind       text        not null check (kind in ('version', 'ending', 'changed')),
  edge       text        not null,                    -- the resource or job; what changed, in words
  version_id bigint      references versions on delete cascade,
  ending_id  bigint      references endings on delete cascade,
  fate       text        not null default 'new' check (fate in ('new', 'gathered', 'run', 'no-run')),
  reason     text,                                    -- why no run came of it, or what it waits for
  lacks      boolean     not null default false,      -- what it waits for may come by an edge that starts nothing
  run_id     bigint      references runs on delete set null,
  at         timestamptz not null default now(),
  settled_at timestamptz,
  check ((kind = 'version') = (version_id is not null)),
  check ((kind = 'ending') = (ending_id is not null)),
  check (fate not in ('gathered', 'no-run') or reason is not null)
);
create index triggers_open on triggers (job_id, lane_id, id) where fate in ('new', 'gathered');
create index triggers_gathered on triggers (lane_id, job_id) where fate = 'gathered';
create index triggers_lacking on triggers (job_id, lane_id, id) where lacks;
create index triggers_job on triggers (job_id, lane_id, id);
create index triggers_run on triggers (run_id);
drop table waits;                                     -- what a job waits for is read off the line, at any moment
-- What was to be looked at when this came is looked at.
insert into triggers (job_id, lane_id, kind, edge)
select job_id, lane_id, 'changed', 'Takt was upgraded' from dirty_jobs where requested > served;

-- Runs: what may start, in which order, and what holds the others.
alter table runs rename column automatic to advances; -- the planner made it and it is the newest set taken
alter index runs_taken rename to runs_advances;
alter table runs
  add column start       text   not null default 'settled' check (start in ('settled', 'strict', 'chrono', 'immediate')),
  add column priority    int    not null default 0,
  add column due_at      timestamptz not null default clock_timestamp(),  -- creation, earlier by a minute a point of priority
  add column held        text,                        -- what it waits for, in words; null: a runner may have it
  add column hold_key    text,                        -- whose end ends the wait: a group, a lane, a matrix
  add column group_key   text,                        -- the concurrency group or environment that it takes a place in
  add column group_limit int,
  add column environment text,
  add column matrix      jsonb,                       -- the leg's values
  add column batch_id    bigint references runs on delete cascade,  -- the first leg of its matrix
  add column given       jsonb,                       -- what a person filled in
  add check ((held is null) = (hold_key is null)),
  add check ((group_key is null) = (group_limit is null)),
  add check (held is null or state in ('queued', 'cancelled', 'skipped', 'errored'));
update runs set due_at = created_at;
drop index runs_queue;
create index runs_queue on runs (due_at, id) where state = 'queued' and held is null;   -- what a claim scans
create index runs_held on runs (hold_key, due_at, id) where state = 'queued' and held is not null;
create index runs_group on runs (group_key) where state in ('queued', 'running', 'waiting');
create index runs_open on runs (lane_id, job_id) where state in ('queued', 'running', 'waiting');
create index runs_batch on runs (batch_id) where batch_id is not null;
create index runs_environment on runs (environment, job_id, id) where environment is not null;

-- Which run satisfied each need: also where it handed no version on.
create table run_needs (
  run_id      bigint not null references runs on delete cascade,
  job_id      bigint not null references jobs on delete cascade,
  upstream_id bigint not null references runs on delete cascade,
  primary key (run_id, job_id)
);
create index run_needs_upstream on run_needs (upstream_id);

-- What the planner saw when it decided on a run: a puzzling one can be replayed.
create table run_facts (
  run_id bigint primary key references runs on delete cascade,
  facts  jsonb  not null
);
