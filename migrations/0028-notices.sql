-- Notices: people hear of what happened where they are. What is to be told lies here until it was told, or given up visibly.

-- Up to which event it is decided who hears of it. One row.
create table notice_cursor (
  one      boolean primary key default true check (one),
  event_id bigint  not null
);
insert into notice_cursor (event_id) select coalesce(max(id), 0) from events;

-- One message to one place, with all that is to be told there together.
create table notice_messages (
  id          bigint      generated always as identity primary key,
  pipeline_id bigint      not null references pipelines on delete cascade,
  channel     text        not null check (channel in ('slack', 'email', 'webhook')),
  destination text        not null,                   -- empty: the channel that the Slack address stands for
  login       text,                                   -- the name of a secret
  template    text,
  test        boolean     not null default false,     -- somebody looks whether it arrives
  state       text        not null default 'waiting' check (state in ('waiting', 'sent', 'dead')),
  attempts    int         not null default 0,         -- begun; a message that was begun gathers nothing more
  due_at      timestamptz not null,
  error       text,                                   -- of the last attempt
  created_at  timestamptz not null default now(),
  ended_at    timestamptz,
  check ((state = 'waiting') = (ended_at is null))
);
create index notice_messages_due on notice_messages (due_at) where state = 'waiting';
create index notice_messages_place on notice_messages (pipeline_id, channel, destination, id);

create table notices (
  id         bigint      generated always as identity primary key,
  message_id bigint      not null references notice_messages on delete cascade,
  facts      jsonb       not null,
  at         timestamptz not null default now()
);
create index notices_message on notices (message_id, id);

create table notice_attempts (
  message_id bigint      not null references notice_messages on delete cascade,
  number     int         not null,
  status     int,                                     -- what HTTP or SMTP answered; null: nothing did
  words      text        not null,
  took_ms    int         not null,
  at         timestamptz not null default now(),
  primary key (message_id, number)
);
