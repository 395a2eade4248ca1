-- Who may do what: organizations own projects, and people and teams hold roles in organizations or in single projects.

create table organizations (
  id         bigint generated always as identity primary key,
  name       text        not null unique check (name ~ '^[a-z0-9-]{1,100}$'),
  created_at timestamptz not null default now()
);
insert into organizations (name) values ('default');  -- the first, number 1: whoever asks for none gets it

alter table projects
  add column organization_id bigint  not null default 1 references organizations,
  add column public          boolean not null default false;  -- whether anybody may look
create index projects_organization on projects (organization_id);

-- Of the server: an admin may everything, a member what the grants say. A service account is a program's, and its organization's.
alter table users drop constraint users_role_check;
alter table users
  add constraint users_role_check check (role in ('admin', 'member')),
  add column kind            text not null default 'person' check (kind in ('person', 'service')),
  add column email           text,
  add column organization_id bigint references organizations on delete cascade,
  add column disabled_at     timestamptz;
create unique index users_email on users (lower(email));

create table teams (
  id              bigint generated always as identity primary key,
  organization_id bigint      not null references organizations on delete cascade,
  name            text        not null check (name ~ '^[a-z0-9-]{1,100}$'),
  created_at      timestamptz not null default now(),
  unique (organization_id, name)
);
create table team_members (
  team_id bigint not null references teams on delete cascade,
  user_id bigint not null references users on delete cascade,
  primary key (team_id, user_id)
);
create index team_members_user on team_members (user_id);

-- One role of one person or team, in all of an organization or in one project of it.
create table grants (
  id              bigint generated always as identity primary key,
  organization_id bigint      not null references organizations on delete cascade,
  project_id      bigint      references projects on delete cascade,
  user_id         bigint      references users on delete cascade,
  team_id         bigint      references teams on delete cascade,
  role            text        not null check (role in ('viewer', 'operator', 'approver', 'maintainer', 'admin')),
  created_at      timestamptz not null default now(),
  check (num_nonnulls(user_id, team_id) = 1),
  unique nulls not distinct (organization_id, project_id, user_id, team_id)
);
create index grants_user on grants (user_id);
create index grants_team on grants (team_id);

-- A token can do less than its owner: at most a role, in one project.
alter table tokens
  add column role       text   check (role in ('viewer', 'operator', 'approver', 'maintainer', 'admin')),
  add column project_id bigint references projects on delete cascade;
