-- Runners are a pool: labels say who may take which run, people and health steer them, and a run that failed may begin again.

alter table runs
  add column project_id    bigint not null default 0,     -- of its job; 0 where it ended before this column was there
  add column runs_on       text[] not null default '{}',  -- what a runner must offer, in order
  add column attempts_most int    not null default 3,     -- how often it may be begun
  add column again         text,                          -- why it is begun once more, in words
  add column not_before    timestamptz,                   -- the end of the pause before that
  add constraint runs_not_before_check check (not_before is null or state = 'queued') not valid;
update runs set project_id = pipelines.project_id
from jobs join pipelines on pipelines.id = jobs.pipeline_id
where jobs.id = runs.job_id and runs.state in ('queued', 'running', 'waiting');

-- What a claim scans: of each project and each set of labels the first, wherever the others stand.
drop index runs_queue;
create index runs_queue on runs (project_id, runs_on, due_at, id) where state = 'queued' and held is null and not_before is null;
create index runs_paused on runs (not_before) where not_before is not null;
create index runs_busy on runs (project_id) where state = 'running';

-- What became of the attempts before the present one.
create table attempts (
  run_id     bigint      not null references runs on delete cascade,
  attempt    int         not null,
  state      text        not null check (state in ('failed', 'errored')),
  reason     text        not null,
  exit_code  int,
  runner_id  bigint      references runners on delete set null,
  started_at timestamptz,
  ended_at   timestamptz not null default now(),
  primary key (run_id, attempt)
);

-- What runners offer, what people want of them, and how they feel.
alter table runners
  add column offers        text[] not null default '{}',  -- its labels in every way that a job may ask for them
  add column slots_least   int    not null default 1,
  add column slots_most    int    not null default 1,
  add column mode          text   not null default 'active' check (mode in ('active', 'paused', 'draining')),
  add column mode_reason   text,
  add column mode_by       bigint references users on delete set null,
  add column mode_at       timestamptz,
  add column trouble       text,                          -- why it takes no work though people let it; null: it is well
  add column trouble_at    timestamptz,
  add column resets        int    not null default 0;     -- how often people have told it to try its engine again
update runners set slots_least = slots, slots_most = slots;

-- What happened to a runner, for people: it came and went, grew and shrank, was steered, fell ill and got well.
create table runner_events (
  id        bigint generated always as identity primary key,
  runner_id bigint      not null references runners on delete cascade,
  kind      text        not null check (kind in (
              'arrived', 'left', 'scaled', 'degraded', 'recovered', 'restarted', 'paused', 'resumed', 'draining', 'reset')),
  words     text        not null,
  slots     int,                                          -- of 'scaled': how many there are now
  by_id     bigint      references users on delete set null,
  life      text,                                         -- the process that told it, and its own count: told twice, noted once
  seq       int,
  at        timestamptz not null default now(),
  unique (runner_id, life, seq)
);
create index runner_events_runner on runner_events (runner_id, id);
