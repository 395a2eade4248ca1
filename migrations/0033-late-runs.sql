-- People are told of a run that no runner takes, which needs to be known how long it has been waiting for one.

create table late_runs (
  run_id  bigint primary key references runs on delete cascade,
  since   timestamptz not null default now(),         -- when it was first seen to wait for nothing but a runner
  told_at timestamptz
);
