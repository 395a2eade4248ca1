-- Gates: steps of the server, at which a run waits for people or for a time and holds no runner.

alter table runs
  add column gate_step int,                           -- the gate that it stands before, counted from 0; null: no gate any more
  add column answers   jsonb;                         -- what was filled in at its gates
create index runs_gated on runs (id) where state = 'queued' and gate_step is not null;

create table gates (
  id         bigint generated always as identity primary key,
  run_id     bigint      not null references runs on delete cascade,
  step       int         not null,                    -- among the gates of its job, counted from 0
  name       text        not null,
  kind       text        not null check (kind in ('approve', 'wait')),
  state      text        not null default 'waiting'
             check (state in ('waiting', 'approved', 'rejected', 'expired', 'passed', 'skipped', 'withdrawn')),
  words      text        not null,                    -- what it waits for; of a skipped one why it was passed over
  deciders   text[]      not null,                    -- roles, teams and people; empty: every approver
  count      int         not null,
  author     boolean     not null,                    -- whether who started the run may decide, too
  message    text,
  form       jsonb       not null,
  answers    jsonb,                                   -- what the first who approved filled in
  on_expire  text        not null check (on_expire in ('reject', 'fail', 'approve')),
  expires_at timestamptz,
  opened_at  timestamptz not null default now(),
  closed_at  timestamptz,
  check ((state = 'waiting') = (closed_at is null)),
  unique (run_id, step)
);
create unique index gates_waiting on gates (run_id) where state = 'waiting';  -- a run waits at one gate at a time
create index gates_expiring on gates (expires_at) where state = 'waiting' and expires_at is not null;

-- Who said what at a gate. A decision is never taken back; everybody has one.
create table gate_decisions (
  gate_id bigint      not null references gates on delete cascade,
  user_id bigint      not null,                       -- no reference: decisions outlive accounts
  by_name text        not null,
  verdict text        not null check (verdict in ('approve', 'reject')),
  comment text,
  at      timestamptz not null default now(),
  primary key (gate_id, user_id)
);
create function gate_decisions_stay() returns trigger language plpgsql as $$
begin
  raise exception 'a decision at a gate is never changed' using errcode = 'restrict_violation';
end $$;
create trigger gate_decisions_stay before update on gate_decisions
  for each statement execute function gate_decisions_stay();
