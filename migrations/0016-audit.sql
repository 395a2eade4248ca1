-- Who did what, and who was not let: one entry each, chained by hashes, and never changed again.

create table audit_entries (
  id              bigint      primary key,  -- without gaps: the entry after number 7 is number 8
  at              timestamptz not null,
  actor_id        bigint,                   -- no reference: entries outlive whom and what they tell of
  actor           text        not null,
  actor_kind      text        not null check (actor_kind in ('person', 'service', 'system', 'nobody')),
  via             text        not null check (via in ('session', 'token', 'cli', 'git', 'terminal', 'command', 'system', 'none')),
  token           text,
  address         text,
  action          text        not null,
  organization_id bigint,
  project         text,
  target          text        not null,
  outcome         text        not null check (outcome in ('done', 'refused', 'denied', 'failed')),
  reason          text,
  before          jsonb,
  after           jsonb,
  count           integer     not null check (count > 0),
  previous        bytea       not null,
  hash            bytea       not null
);
create index audit_entries_organization on audit_entries (organization_id, id);
create index audit_entries_project on audit_entries (project, id);
create index audit_entries_actor on audit_entries (actor, id);

-- The end of the chain. Who writes an entry holds this row until its transaction ends, so that entries stand in one order.
create table audit_head (
  single   boolean     primary key default true check (single),
  id       bigint      not null,
  at       timestamptz not null,
  previous bytea       not null,
  hash     bytea       not null
);
insert into audit_head (id, at, previous, hash) values (0, now(), '\x', sha256('takt audit'));

create function audit_stays() returns trigger language plpgsql as $$
begin
  raise exception 'entries of the audit log are neither changed nor removed' using errcode = 'restrict_violation';
end $$;
create trigger audit_entries_stay before update or delete or truncate on audit_entries
  for each statement execute function audit_stays();
create trigger audit_head_stays before delete or truncate on audit_head
  for each statement execute function audit_stays();
