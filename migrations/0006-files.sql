-- Files outlive the runs that made them: they lie packed in a store, and the database says which of them is what for whom.

create table archives (
  id           bigint      generated always as identity primary key,
  key          text        not null unique,             -- its name in the store
  packed_bytes bigint,                                  -- null until all of it is there
  bytes        bigint,                                  -- of the files in it
  files        int,
  digest       text,                                    -- of names, modes and contents, whenever it was packed
  created_at   timestamptz not null default now()
);

-- What a job keeps for the jobs that need it, and for people. The row stays when the files have gone.
create table kept (
  run_id     bigint      primary key references runs on delete cascade,
  archive_id bigint      references archives,           -- null: expired
  expires_at timestamptz not null
);
create index kept_archive on kept (archive_id);
create index kept_due on kept (expires_at) where archive_id is not null;

-- What a run left in $TAKT_STATE.
create table states (
  run_id     bigint primary key references runs on delete cascade,
  job_id     bigint not null references jobs on delete cascade,    -- those of the run: the newest is asked for by them
  lane_id    bigint not null references lanes on delete cascade,
  archive_id bigint not null references archives
);
create index states_newest on states (lane_id, job_id, run_id);
create index states_archive on states (archive_id);

-- Folders of tools. Those of the default branch's lane are read by all lanes of the pipeline.
create table caches (
  lane_id    bigint      not null references lanes on delete cascade,
  name       text        not null,
  key        text        not null,
  archive_id bigint      not null references archives,
  created_at timestamptz not null default now(),
  used_at    timestamptz not null default now(),
  primary key (lane_id, name, key)
);
create index caches_archive on caches (archive_id);
create index caches_used on caches (used_at);

-- What was put into a resource of files or of state; the version is named by its digest.
create table folders (
  resource_id bigint      not null references resources on delete cascade,
  version     text        not null,
  archive_id  bigint      not null references archives,
  created_at  timestamptz not null default now(),
  primary key (resource_id, version)
);
create index folders_archive on folders (archive_id);
