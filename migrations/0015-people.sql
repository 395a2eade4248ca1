-- How people come in: passwords, sessions that can be looked at and ended, invitations, and logins at other providers.

create table passwords (
  user_id    bigint      primary key references users on delete cascade,
  phc        text        not null check (phc like '$argon2id$%'),
  changed_at timestamptz not null default now()
);

-- An e-mail address that a provider has vouched for; any other is what somebody wrote, and proves nothing.
alter table users add column email_verified_at timestamptz;

-- Wrong passwords, counted by account and by address, on every server at once.
create table login_attempts (
  subject text        primary key check (length(subject) <= 300),
  wrong   integer     not null,
  since   timestamptz not null default now()
);
create index login_attempts_since on login_attempts (since);

-- A session keeps its number when its secret changes; for a moment the one before opens it, too, for requests under way.
alter table sessions
  add column id            bigint generated always as identity unique,
  add column previous_hash bytea,
  add column rotated_at    timestamptz,
  add column seen_at       timestamptz not null default now(),
  add column rights        text,                            -- what its owner might do when it was last used
  add column client        text check (length(client) <= 300),
  add column address       text check (length(address) <= 100),
  add column how           text not null default 'link' check (length(how) between 1 and 100);
create index sessions_previous on sessions (previous_hash) where previous_hash is not null;
create index sessions_user on sessions (user_id);

-- The first letters of a token, by which its owner knows it again.
alter table tokens add column prefix text check (length(prefix) <= 20);

-- A one-time link that makes an account, with a role in an organization or a place in a team of it.
create table invitations (
  id              bigint generated always as identity primary key,
  hash            bytea       not null unique,
  organization_id bigint      not null references organizations on delete cascade,
  role            text        check (role in ('viewer', 'operator', 'approver', 'maintainer', 'admin')),
  team_id         bigint      references teams on delete cascade,
  email           text        check (length(email) <= 254),
  invited_by      bigint      not null references users on delete cascade,
  created_at      timestamptz not null default now(),
  expires_at      timestamptz not null,
  used_at         timestamptz,
  used_by         bigint      references users on delete set null,
  check (num_nonnulls(role, team_id) > 0)
);
create index invitations_organization on invitations (organization_id);

-- Who somebody is at another provider: its name for them never changes, whatever they are called there.
create table identities (
  provider   text        not null check (length(provider) between 1 and 500),
  subject    text        not null check (length(subject) between 1 and 255),
  user_id    bigint      not null references users on delete cascade,
  name       text        not null,
  created_at timestamptz not null default now(),
  primary key (provider, subject),
  unique (user_id, provider)
);

-- Somebody is on the way to another provider and back. The browser holds the secret; any server may take them in again.
create table login_ways (
  hash       bytea       primary key,
  provider   text        not null,
  verifier   text        not null,
  nonce      text        not null,
  target     text        not null,
  user_id    bigint      references users on delete cascade,   -- who links another login to their account
  invitation_id bigint   references invitations on delete cascade,
  expires_at timestamptz not null
);
create index login_ways_expires on login_ways (expires_at);
