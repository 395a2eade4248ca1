-- What the server itself does or hears at a gate: requests to services, jobs of other pipelines, events, callbacks.

alter table runs add column told jsonb;               -- by name what its waits heard: {"hook": {"action": "push"}}

alter table gates drop constraint gates_kind_check;
alter table gates add constraint gates_kind_check  -- older rows are of fewer kinds, and need not be looked through
  check (kind in ('approve', 'wait', 'call', 'trigger')) not valid;
alter table gates drop constraint gates_state_check;
alter table gates add constraint gates_state_check
  check (state in ('waiting', 'approved', 'rejected', 'expired', 'passed', 'skipped', 'withdrawn', 'failed')) not valid;

create table acts (
  gate_id     bigint primary key references gates on delete cascade,
  spec        jsonb       not null,                   -- what is to be done, its values put in; never a secret
  key         text        not null,                   -- tells the same request, sent twice, from two requests
  after       bigint      not null,                   -- the newest version when it began: events count behind it
  due_at      timestamptz,                            -- when a server does it; null: it is done, and its end is waited for
  taken_until timestamptz,                            -- a server has it under way; it says so again and again
  version_id  bigint      references versions on delete set null  -- the event that was heard
);

-- Each request of a call, before it is sent and after it was answered.
create table call_attempts (
  gate_id    bigint      not null references acts on delete cascade,
  attempt    int         not null,                    -- counted from 1
  state      text        not null default 'running' check (state in ('running', 'good', 'failed', 'errored', 'lost')),
  status     int,                                     -- of HTTP
  words      text,                                    -- why it was not good
  answer     text,                                    -- the beginning of its body, secrets masked
  started_at timestamptz not null default clock_timestamp(),
  ended_at   timestamptz,
  primary key (gate_id, attempt)
);

-- The runs that a run started in other pipelines.
create table triggered (
  run_id  bigint primary key references runs on delete cascade,
  gate_id bigint not null references gates on delete cascade
);
create index triggered_by on triggered (gate_id);

-- One-time addresses. What opens one is derived from the server's key, and lies nowhere.
create table callbacks (
  id      bigint generated always as identity primary key,
  run_id  bigint      not null references runs on delete cascade,
  name    text        not null,
  used_at timestamptz,
  address text,                                       -- where it was called from
  fields  jsonb,                                      -- what was sent along, by path
  unique (run_id, name)
);

-- Where a project's lines may call: what opens a service stands here, and in no file.
create table services (
  id         bigint generated always as identity primary key,
  project_id bigint      not null references projects on delete cascade,
  name       text        not null,
  url        text        not null,
  headers    jsonb       not null,                    -- by name; $(secret.NAME) stands for a secret of the project
  updated_at timestamptz not null default now(),
  updated_by bigint      references users on delete set null,
  unique (project_id, name)
);
