-- The line: who may look, what is configured, what can change, what runs because of it, and what was said about it.

-- People and their keys. Tokens, sessions and login links are kept as SHA-256 only.
create table users (
  id          bigint generated always as identity primary key,
  name        text        not null unique check (length(name) between 1 and 100),
  role        text        not null check (role in ('admin')),
  created_at  timestamptz not null default now()
);

create table tokens (
  id           bigint generated always as identity primary key,
  user_id      bigint      not null references users on delete cascade,
  name         text        not null,
  hash         bytea       not null,
  created_at   timestamptz not null default now(),
  expires_at   timestamptz,
  last_used_at timestamptz,
  unique (user_id, name)                            -- a new secret under a name ends the old one
);
create index tokens_hash on tokens (hash);

create table sessions (
  hash       bytea       primary key,
  user_id    bigint      not null references users on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);

create table login_links (
  hash       bytea       primary key,
  user_id    bigint      not null references users on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at    timestamptz
);

-- Repositories and the projects tied to them.
create table repositories (
  id             bigint generated always as identity primary key,
  kind           text        not null check (kind in ('hosted', 'git', 'github')),
  url            text        not null unique,      -- hosted: the name of the bare repository in the data directory
  forge_id       text,                             -- the forge's own number: survives a rename
  default_branch text        not null default 'main',
  created_at     timestamptz not null default now()
);
create index repositories_forge on repositories (forge_id) where forge_id is not null;

-- The last commit we know of each ref: what a push is compared with when its message was lost.
create table refs (
  repository_id bigint      not null references repositories on delete cascade,
  name          text        not null,
  sha           text        not null,
  updated_at    timestamptz not null default now(),
  primary key (repository_id, name)
);

-- The last push to each ref that was made something of, by the server's own count: what tells a late one from the next one.
create table applied_pushes (
  repository_id bigint not null references repositories on delete cascade,
  name          text   not null,
  sha           text,                              -- null: the ref is gone
  delivery_id   bigint not null,
  primary key (repository_id, name)
);

create table projects (
  id            bigint generated always as identity primary key,
  name          text        not null unique check (name ~ '^[a-z0-9-]{1,100}$'),
  repository_id bigint      not null references repositories,
  created_at    timestamptz not null default now()
);
create index projects_repository on projects (repository_id);

-- What arrived, stored before it is answered. The body is kept as the bytes that were signed.
create table deliveries (
  id            bigint generated always as identity primary key,
  source        text        not null check (source in ('github', 'git', 'hosted')),
  delivery_id   text        not null,
  signature     bytea,                             -- null for hosted repositories: no one signs what we saw ourselves
  event         text        not null,
  repository_id bigint      references repositories on delete set null,
  body          bytea       not null,
  state         text        not null default 'received' check (state in ('received', 'processed', 'ignored', 'failed')),
  reason        text,                              -- what became of it, in words
  attempts      int         not null default 0,
  attempt_after timestamptz not null default now(), -- when to try again what failed
  received_at   timestamptz not null default now(),
  processed_at  timestamptz,
  check ((state = 'received') = (processed_at is null)),
  unique (source, delivery_id)                     -- a delivery told twice is one delivery …
);
create unique index deliveries_signature on deliveries (source, signature);  -- … also under another id
create index deliveries_pending on deliveries (id) where state = 'received';

-- Pipelines as configured.
create table pipelines (
  id          bigint generated always as identity primary key,
  project_id  bigint      not null references projects on delete cascade,
  name        text        not null check (name ~ '^[a-z0-9-]{1,100}$'),
  path        text        not null,
  created_at  timestamptz not null default now(),
  unique (project_id, name)
);

-- Each synced commit of a pipeline file. `definition` is null where the file was not valid.
create table revisions (
  id          bigint generated always as identity primary key,
  pipeline_id bigint      not null references pipelines on delete cascade,
  sha         text        not null,
  source      text        not null,
  definition  jsonb,
  diagnostics jsonb       not null,
  created_at  timestamptz not null default now(),
  unique (pipeline_id, sha)
);

-- The streams versions belong to. `revision_id` is the last good file of the lane, `newest_revision_id` the last one read.
create table lanes (
  id                 bigint generated always as identity primary key,
  pipeline_id        bigint      not null references pipelines on delete cascade,
  name               text        not null,
  revision_id        bigint      references revisions,
  newest_revision_id bigint      references revisions,
  created_at         timestamptz not null default now(),
  touched_at         timestamptz not null default now(),
  closed_at          timestamptz,                   -- its branch or tag is gone
  unique (pipeline_id, name)
);

create table jobs (
  id          bigint generated always as identity primary key,
  pipeline_id bigint not null references pipelines on delete cascade,
  name        text   not null,
  unique (pipeline_id, name)
);

create table resources (
  id            bigint generated always as identity primary key,
  pipeline_id   bigint not null references pipelines on delete cascade,
  name          text   not null,
  kind          text   not null check (kind in ('git')),
  repository_id bigint not null references repositories,
  branch        text,
  unique (pipeline_id, name)
);
create index resources_repository on resources (repository_id);

-- One immutable value a resource had. `seq` is its place in its lane: the order that "newest" means.
create table versions (
  id          bigint generated always as identity primary key,
  resource_id bigint      not null references resources on delete cascade,
  lane_id     bigint      not null references lanes on delete cascade,
  seq         bigint      not null,
  name        text        not null,
  body        jsonb       not null,
  delivery_id bigint      references deliveries on delete set null,
  created_at  timestamptz not null default now(),
  unique (resource_id, lane_id, name),              -- told twice, noted once
  unique (resource_id, lane_id, seq)
);
create index versions_before on versions ((body ->> 'before'));   -- what was pushed onto a commit

create table runners (
  id           bigint generated always as identity primary key,
  name         text        not null unique,
  engine       text        not null,
  isolated     boolean     not null,
  words        text        not null,                -- the engine in words, for people
  version      text        not null,
  slots        int         not null,
  labels       jsonb       not null,
  connection   text,                                -- the one connection that speaks for it; null when it has hung up
  present_until timestamptz not null,               -- silent for longer it is gone, whatever its connection looks like
  seen_at      timestamptz not null default now(),
  created_at   timestamptz not null default now()
);

create table runs (
  id          bigint generated always as identity primary key,
  job_id      bigint      not null references jobs on delete cascade,
  lane_id     bigint      not null references lanes on delete cascade,
  revision_id bigint      not null references revisions,
  number      bigint      not null,                 -- counts the job's runs from 1
  state       text        not null default 'queued'
              check (state in ('queued', 'running', 'waiting', 'succeeded', 'failed', 'errored', 'cancelled', 'skipped')),
  attempt     int         not null default 1,
  reason      text        not null,                 -- why it runs, in words
  automatic   boolean     not null,                 -- the planner made it; a person's retry does not move the line
  retry_of    bigint      references runs on delete set null,
  created_by  bigint      references users on delete set null,
  runner_id   bigint      references runners on delete set null,
  lease_token text,
  lease_until timestamptz,
  heard_seq   bigint      not null default 0,       -- the last numbered report of this attempt that is committed
  cancel_at   timestamptz,
  cancel_reason text,
  error       jsonb,                                -- {code, message} where it was not the author's doing
  created_at  timestamptz not null default now(),
  started_at  timestamptz,
  ended_at    timestamptz,
  check ((state = 'running') = (lease_until is not null)),   -- running and leased are one fact
  check ((state in ('succeeded', 'failed', 'errored', 'cancelled', 'skipped')) = (ended_at is not null)),
  unique (job_id, number)
) with (fillfactor = 70);
comment on column runs.lease_until is 'A runner that has not spoken by then has lost the run.';

create index runs_queue on runs (id) where state = 'queued';            -- what a claim scans
create index runs_leased on runs (lease_until) where state = 'running'; -- what the reaper scans
create index runs_carried on runs (runner_id) where state = 'running';
create index runs_job on runs (job_id, id);
create index runs_job_lane on runs (job_id, lane_id, id);
create index runs_lane on runs (lane_id, id);
create index runs_taken on runs (job_id, lane_id, id) where automatic;
create index runs_state on runs (state, id);

-- The exact versions a run was created with: frozen.
create table run_inputs (
  run_id      bigint not null references runs on delete cascade,
  position    int    not null,                      -- declaration order: the first one is the working directory
  resource_id bigint not null references resources,
  version_id  bigint not null references versions,
  primary key (run_id, position)
);
create index run_inputs_version on run_inputs (version_id, run_id);

-- Which upstream runs vouched for an input: lineage per input, not per run.
create table run_input_via (
  run_id       bigint not null references runs on delete cascade,
  position     int    not null,
  upstream_id  bigint not null references runs on delete cascade,
  primary key (run_id, position, upstream_id)
);
create index run_input_via_upstream on run_input_via (upstream_id);

-- What a job turned green, written with the move that made it so.
create table passed (
  job_id      bigint not null references jobs on delete cascade,
  lane_id     bigint not null references lanes on delete cascade,
  run_id      bigint not null references runs on delete cascade,
  primary key (job_id, lane_id, run_id)
);

-- Which jobs must be looked at. Counters, never times: a mark set while the job is served is not lost.
create table dirty_jobs (
  job_id    bigint not null references jobs on delete cascade,
  lane_id   bigint not null references lanes on delete cascade,
  requested bigint not null default 1,
  served    bigint not null default 0,
  primary key (job_id, lane_id)
);
create index dirty_jobs_due on dirty_jobs (job_id) where requested > served;

-- What a job waits for on a lane, in the planner's words.
create table waits (
  job_id   bigint      not null references jobs on delete cascade,
  lane_id  bigint      not null references lanes on delete cascade,
  reason   text        not null,
  since    timestamptz not null default now(),
  primary key (job_id, lane_id)
);

create table steps (
  run_id     bigint not null references runs on delete cascade,
  attempt    int    not null,
  step       int    not null,                       -- 0 is `prepare`, the runner's own
  name       text   not null,
  state      text   not null check (state in ('queued', 'running', 'succeeded', 'failed', 'errored', 'cancelled', 'skipped')),
  exit_code  int,
  lines      bigint not null default 0,             -- line ends seen so far
  bytes      bigint not null default 0,
  open_line  boolean not null default false,        -- the last byte was not a line end
  started_at timestamptz,
  ended_at   timestamptz,
  primary key (run_id, attempt, step)
) with (fillfactor = 70);

create table commands (
  run_id     bigint not null references runs on delete cascade,
  attempt    int    not null,
  step       int    not null,
  command    int    not null,
  words      text   not null,
  state      text   not null check (state in ('queued', 'running', 'succeeded', 'failed', 'errored', 'cancelled', 'skipped')),
  exit_code  int,
  first_line bigint,                                -- the first line of the step's log that is this command's
  started_at timestamptz,
  ended_at   timestamptz,
  primary key (run_id, attempt, step, command)
);

-- What runs said, in the bytes they said it in. A row is a chunk of many lines, never a line.
create table log_chunks (
  run_id     bigint      not null references runs on delete cascade,
  attempt    int         not null,
  step       int         not null,
  first_byte bigint      not null,                  -- the chunk's offset in the step's log
  first_line bigint      not null,                  -- line ends before the chunk
  bytes      bytea       not null,
  at         timestamptz not null default now(),
  primary key (run_id, attempt, step, first_byte)
);

-- lz4 is several times faster than pglz here; a PostgreSQL built without it keeps its own default.
do $$ begin
  execute 'alter table log_chunks alter column bytes set compression lz4';
  execute 'alter table deliveries alter column body set compression lz4';
exception when feature_not_supported then null;
end $$;

-- Facts, committed with the rows they speak of.
create table events (
  id      bigint generated always as identity primary key,
  project text,                                     -- null for facts that belong to no project
  run_id  bigint,
  body    jsonb       not null,
  at      timestamptz not null default now()
);
create index events_project on events (project, id);
