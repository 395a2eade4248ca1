-- Deliveries of more senders: the project that one was told to, what its headers said, and those that are refused.

alter table deliveries
  add column project_id bigint references projects on delete set null,  -- whose secret signed it; null: the server's own
  add column headers    jsonb,                                          -- without what opens anything
  add column about      text,                                           -- what it speaks of, in a few words
  add column replays    int   not null default 0;                       -- how often somebody had it looked at once more
create index deliveries_project on deliveries (project_id, id);
create index deliveries_repository on deliveries (repository_id, id);
create index versions_delivery on versions (delivery_id) where delivery_id is not null;

alter table deliveries drop constraint deliveries_source_check;
alter table deliveries add constraint deliveries_source_check
  check (source in ('github', 'gitlab', 'gitea', 'git', 'hosted', 'events', 'registry')) not valid;
alter table deliveries drop constraint deliveries_state_check;
alter table deliveries add constraint deliveries_state_check
  check (state in ('received', 'processed', 'ignored', 'refused', 'failed')) not valid;

-- When the refs of a repository on another server are held against those that are known, and what came of it.
create table comparisons (
  repository_id bigint      primary key references repositories on delete cascade,
  due_at        timestamptz not null,
  lease_until   timestamptz,                          -- somebody is at it until then, at the latest
  compared_at   timestamptz,                          -- the last one that was answered; null: there was none yet
  told          int         not null default 0,       -- the differences that it found
  failures      int         not null default 0,
  error         text                                  -- why there was no answer, in words
);
create index comparisons_due on comparisons (due_at);
