-- A project's secrets: what its jobs and resources are opened with. Only sealed values are stored.

create table secrets (
  project_id bigint not null references projects on delete cascade,
  name       text   not null check (name ~ '^[A-Za-z_][A-Za-z0-9_]{0,99}$'),
  sealed     bytea  not null,                         -- server/secrets/seal.ts says how
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  updated_by bigint not null references users,
  primary key (project_id, name)
);
