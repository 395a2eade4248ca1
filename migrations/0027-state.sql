-- What a line remembers besides its versions: values of a project by key, with all that they were.

create table project_values (
  project_id bigint      not null references projects on delete cascade,
  key        text        not null,
  version    int         not null,                    -- counted from 1 for each key, also over removals
  value      text,                                    -- null: removed
  set_at     timestamptz not null default clock_timestamp(),
  set_by     text        not null,
  primary key (project_id, key)
);

-- Every version of a value, the one in force included; of each key the newest ones stay.
create table value_history (
  project_id bigint      not null,
  key        text        not null,
  version    int         not null,
  value      text,
  set_at     timestamptz not null,
  set_by     text        not null,
  primary key (project_id, key, version),
  foreign key (project_id, key) references project_values on delete cascade
);
