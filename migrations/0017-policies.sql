-- What an organization allows its lines to use: the text as its admins wrote it, and the rules that it says.

create table policies (
  organization_id bigint      primary key references organizations on delete cascade,
  source          text        not null,
  rules           jsonb       not null,
  updated_at      timestamptz not null default now(),
  updated_by      bigint      references users on delete set null
);
