-- What forges are told of commits: each status as it should stand, sent until it has arrived, whatever happens meanwhile.

-- How far the facts are read. What is read is due in the same transaction, so that none is lost and none is read twice.
create table status_cursor (
  one      boolean primary key default true check (one),
  event_id bigint  not null
);
insert into status_cursor (event_id) select coalesce(max(id), 0) from events;

-- Commits on a line of which something new is known.
create table status_dues (
  pipeline_id bigint      not null references pipelines on delete cascade,
  kind        text        not null check (kind in ('push', 'tag', 'pull_request')),
  sha         text        not null,
  since       timestamptz not null default now(),
  due_at      timestamptz not null default now(),
  primary key (pipeline_id, kind, sha)
);
create index status_dues_due on status_dues (due_at);

-- A status as it should stand (`requested` counts its changes), and how far that has arrived (`sent`).
create table statuses (
  id          bigint generated always as identity primary key,
  pipeline_id bigint      not null references pipelines on delete cascade,
  sha         text        not null,
  kind        text        not null check (kind in ('push', 'tag', 'pull_request')),
  job         text        not null default '',         -- empty: of the whole line
  forge       text        not null check (forge in ('github', 'gitlab', 'gitea')),
  repository  text        not null,                    -- what the forge calls it: `acme/shop`
  ref         text,                                    -- the branch or tag; null for a pull request
  name        text        not null,                    -- what the forge shows it by
  verdict     text        not null,
  words       text        not null,
  path        text        not null,                    -- where its link leads to, below TAKT_URL
  requested   bigint      not null default 1,
  sent        bigint      not null default 0,
  sent_verdict text,
  external_id text,                                    -- the forge's own number of a check
  attempts    int         not null default 0,          -- of sending what is requested now
  attempt_after timestamptz not null default now(),
  error       text,                                    -- why it did not arrive, in words
  given_up_at timestamptz,                             -- the forge will not take it: a person may try again
  changed_at  timestamptz not null default now(),
  sent_at     timestamptz,
  unique (pipeline_id, sha, kind, job)
);
create index statuses_due on statuses (forge, changed_at, id) where sent < requested and given_up_at is null;
create index statuses_newest on statuses (pipeline_id, id);

-- Whether a forge takes anything now: it said when to come back, or does not answer.
create table forge_doors (
  forge      text primary key check (forge in ('github', 'gitlab', 'gitea')),
  failures   int         not null default 0,
  opens_at   timestamptz,
  reason     text,                                     -- null: it took what it was sent last
  heard_at   timestamptz
);
