-- Lanes know what they are, and versions how they came: pull requests, force-pushes, changed paths, a person's veto.

alter table lanes add column kind text not null default 'push' check (kind in ('push', 'tag', 'pull_request'));
update lanes set kind = 'tag' where name like 'tag/%';

alter table versions
  add column disabled_at     timestamptz,             -- a person decided that no job takes it
  add column disabled_by     bigint references users on delete set null,
  add column disabled_reason text,
  add column left_at         timestamptz,             -- a force-push left it behind: its ref leads to it no more
  add column forced          boolean not null default false,  -- it came by a force-push: what was newest is not among its ancestors
  add column changed         text[];                  -- the paths that it changed; null where that is not known
create index versions_name on versions (name text_pattern_ops);       -- "where is a1b2c3", by a beginning
-- What a lane may take, newest first: what is disabled or left behind costs nothing, however much there is of it.
create index versions_newest on versions (resource_id, lane_id, seq desc) where disabled_at is null and left_at is null;

