-- Schedules: what became of each time that came, and which schedules people have paused.

create table schedules (
  resource_id   bigint primary key references resources on delete cascade,
  paused_at     timestamptz not null default now(),
  paused_by     text        not null,                 -- a name: it outlives the account
  paused_reason text        not null
);

create table firings (
  id          bigint generated always as identity primary key,
  resource_id bigint      not null references resources on delete cascade,
  due_at      timestamptz not null,                   -- the moment that the schedule names
  fired_at    timestamptz not null default now(),     -- when a server saw it come; of one that waited, when it was let go
  fate        text        not null check (fate in ('fired', 'waiting', 'skipped', 'missed', 'paused')),
  reason      text,                                   -- why it is not plainly fired
  missed      int         not null default 0,         -- how many times before it, that nobody saw come, it stands for
  conflict    bigint,                                 -- the run that still ran when it came
  version_id  bigint references versions on delete set null,
  by_name     text,                                   -- who fired it by hand
  unique (resource_id, due_at)
);
create index firings_recent on firings (resource_id, id);
create index firings_waiting on firings (resource_id, due_at) where fate = 'waiting';
