-- Secrets of organizations, narrowed to the runs they are for, some of them kept elsewhere; the key that seals; and keys of our own.

-- A handful of rows: that they are written anew for the identity costs nothing.
alter table secrets drop constraint secrets_pkey;
alter table secrets
  add column id              bigint generated always as identity primary key,
  add column organization_id bigint references organizations on delete cascade,
  add column environment     text,                     -- for runs that change it alone; null: for any
  add column job             text,                     -- a glob
  add column trigger         text check (trigger in ('push', 'tag', 'schedule', 'manual', 'upstream')),
  add column branch          text,                     -- a glob
  add column store           text check (store in ('vault', 'aws', 'gcp')),
  add column reference       text,                     -- where in that store the value lies: no value itself
  alter column project_id drop not null,
  alter column sealed drop not null,
  add check (num_nonnulls(organization_id, project_id) = 1),
  add check (num_nonnulls(store, sealed) = 1 and (store is null) = (reference is null)),
  add unique nulls not distinct (project_id, organization_id, name, environment, job, trigger, branch);
create index secrets_organization on secrets (organization_id, name);

-- The one key that everything new is sealed with. Whoever seals reads it under a lock, so that a change waits for what is under way.
create table sealing_key (
  one   boolean     primary key default true check (one),
  mark  bytea       not null,                          -- tells the key from others, and nothing of it
  since timestamptz not null default now()
);

-- What the server signs with in its own name. The newest that has been published for a while signs; all are published until they go.
create table signing_keys (
  id         bigint generated always as identity primary key,
  kid        text        not null unique,
  public_key jsonb       not null,                     -- a JSON Web Key
  sealed     bytea       not null,                     -- server/secrets/seal.ts says how
  created_at timestamptz not null default now()
);
