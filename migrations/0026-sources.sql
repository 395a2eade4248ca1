-- Event sources: streams of others that this server reads as a consumer group, and every event that came of them.

create table sources (
  id          bigint generated always as identity primary key,
  project_id  bigint      not null references projects on delete cascade,
  name        text        not null,                   -- as `event` resources name it
  kind        text        not null check (kind in ('redis', 'kafka')),
  settings    jsonb       not null,
  login       text,                                   -- the secret that opens it
  lease_token text,                                   -- of the server that reads it
  lease_until timestamptz not null default now(),     -- nobody reads it before, but who holds it
  failures    int         not null default 0,         -- in a row
  error       text,                                   -- why it cannot be read; null where it is read, or was never tried
  read_since  timestamptz,                            -- when it was reached; null where it is not
  created_at  timestamptz not null default now(),
  unique (project_id, name)
);

create table source_events (
  id            bigint generated always as identity primary key,
  source_id     bigint      not null references sources on delete cascade,
  event         text        not null,                 -- the stream's own name for it: handed out twice, it is one
  payload       text        not null,
  state         text        not null default 'received' check (state in ('received', 'taken', 'ignored', 'dead')),
  reason        text,
  attempts      int         not null default 0,
  attempt_after timestamptz not null default now(),
  received_at   timestamptz not null default now(),
  settled_at    timestamptz,
  unique (source_id, event)
);
create index source_events_due on source_events (source_id, id) where state = 'received';
create index source_events_recent on source_events (source_id, id);
