-- Terminals that people opened in runs, and failed runs whose containers are kept for them: who, when, how long.

create table terminals (
  id         bigint      generated always as identity primary key,
  run_id     bigint      not null references runs,
  user_id    bigint      not null references users,
  runner_id  bigint      not null references runners,
  connection text        not null,  -- the runner's, over which it goes; when that is gone, so is the terminal
  command    text[]      not null,  -- empty: a shell
  opened_at  timestamptz not null default now(),
  closed_at  timestamptz,
  exit_code  int,
  reason     text                   -- why it closed, where its program did not end by itself
);
create index on terminals (run_id);
create index on terminals (opened_at) where closed_at is null;

create table run_holds (
  run_id       bigint      primary key references runs,
  runner_id    bigint      not null references runners,
  until        timestamptz not null,
  end_asked_at timestamptz
);
create index on run_holds (runner_id);

alter table runs add column hold_ms bigint not null default 0;  -- how long its container is kept if it fails; a person asked
