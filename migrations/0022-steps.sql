-- A run passes through its job in parts: between two of them it waits at a gate, and its workspace lies in the store.

alter table runs
  add column position    int not null default 0,      -- the first step of its present part, at the top of its job, counted from 0
  add column handover_id bigint,                       -- what that part begins with, no reference; null: a workspace made anew
  add column ending      jsonb,                        -- {state, error}: what it came to at a gate, with hooks left to run
  add column taken_at    timestamptz;                  -- since when its runner has it

-- What a runner left of a run: at a gate, or at a checkpoint.
create table handovers (
  id         bigint      generated always as identity primary key,
  run_id     bigint      not null references runs on delete cascade,
  attempt    int         not null,
  position   int         not null,                     -- the step that comes next: a gate, or what stands behind the checkpoint
  checkpoint text,                                     -- its name; null at a gate
  archive_id bigint      references archives,          -- null: nobody needs it any more
  carried    jsonb,                                    -- what the runner knew besides; null: it has not told yet
  outputs    jsonb       not null,                     -- the values written to $TAKT_OUTPUT so far
  runner_id  bigint      references runners on delete set null,
  ran_ms     bigint      not null default 0,           -- how long runners had the run so far
  last_step  int         not null default 0,           -- the number of the last step so far
  expires_at timestamptz,                              -- of a checkpoint
  created_at timestamptz not null default now()
);
create unique index handovers_place on handovers (run_id, attempt, position, coalesce(checkpoint, ''));
create index handovers_archive on handovers (archive_id) where archive_id is not null;
create index handovers_due on handovers (expires_at) where archive_id is not null and expires_at is not null;

alter table steps drop constraint steps_kind_check;
alter table steps add constraint steps_kind_check  -- older rows are of fewer kinds, and need not be looked through
  check (kind in ('prepare', 'run', 'get', 'put', 'group', 'service', 'checkpoint', 'hand_over', 'finish')) not valid;
