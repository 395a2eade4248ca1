-- What is looked for outside: each identical question once, whoever asks it, when it is due and by one at a time.

create table checks (
  id          bigint generated always as identity primary key,
  key         text        not null unique,            -- a hash of its kind and its question
  kind        text        not null check (kind in ('custom', 'registry', 'git', 'time')),
  question    jsonb       not null,
  every_ms    bigint      not null,                   -- the least that one of those who ask wants
  due_at      timestamptz not null default now(),
  lease_token text,                                   -- of who carries it out
  lease_until timestamptz,
  failures    int         not null default 0,         -- in a row
  error       jsonb,                                  -- {code, message} of the last answer; null where it was good
  seen        jsonb,                                  -- the last good answer: what the next one is compared with
  checked_at  timestamptz,                            -- when the last answer came
  check ((lease_token is null) = (lease_until is null))
);
create index checks_due on checks (kind, due_at);

-- Who asks. A resource that nobody gets asks nothing.
alter table resources
  add column check_id bigint references checks on delete set null,
  add column check_ms bigint;
alter table runners add column checks int not null default 0;   -- how many it carries out at once
create index resources_check on resources (check_id) where check_id is not null;
