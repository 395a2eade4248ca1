-- Pull requests from forks wait for somebody's word, head by head; and their commits may run by a file that is not quite their own.

create table pull_heads (
  id          bigint generated always as identity primary key,
  project_id  bigint      not null references projects on delete cascade,
  number      bigint      not null,
  sha         text        not null,                   -- the decision is about this very commit, and about no other
  title       text        not null,
  author      text        not null,
  base        text        not null,                   -- the branch that it is to be merged into
  delivery_id bigint      not null,                   -- what told of it: looked at once more when it may run
  state       text        not null default 'waiting'
              check (state in ('waiting', 'approved', 'rejected', 'replaced', 'closed')),
  decided_by  text,                                   -- a name: decisions outlive accounts
  comment     text,
  asked_at    timestamptz not null default now(),
  closed_at   timestamptz,
  check ((state = 'waiting') = (closed_at is null)),
  check ((state in ('approved', 'rejected')) = (decided_by is not null)),
  unique (project_id, number, sha)
);
create unique index pull_heads_waiting on pull_heads (project_id, number) where state = 'waiting';

-- A commit of a fork has two revisions where it was pushed to us, too: `guarded_by` is the one whose guarded jobs the fork's took.
alter table revisions
  add column guarded_by bigint references revisions on delete cascade,
  drop constraint revisions_pipeline_id_sha_key,
  add constraint revisions_commit unique nulls not distinct (pipeline_id, sha, guarded_by);
create index revisions_guarded on revisions (guarded_by) where guarded_by is not null;
