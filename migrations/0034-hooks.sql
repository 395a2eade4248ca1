-- Pull requests that nobody told of are found by what their forge shows, and payloads are kept for a time, not for ever.

-- Each pull request as it was told of last.
create table told_pulls (
  repository_id bigint not null references repositories on delete cascade,
  number        bigint not null,
  sha           text,                                 -- its head; null when it is over
  facts         text,                                 -- what else decides whether it is run: base, draft, labels
  primary key (repository_id, number)
);
alter table comparisons add column listed_at timestamptz;  -- when its pull requests were listed last; null: never yet

-- The row of a delivery stays when its payload is removed.
alter table deliveries alter column body drop not null;
alter table deliveries add column removed_at timestamptz; -- when its payload was
alter table deliveries add constraint deliveries_body_check check ((body is null) = (removed_at is not null)) not valid;
create index deliveries_payloads on deliveries (processed_at, id) where body is not null and processed_at is not null;
-- Those that are still needed are found by what needs them.
create index applied_pushes_delivery on applied_pushes (delivery_id) where name like 'refs/pull/%';
create index pull_heads_delivery on pull_heads (delivery_id) where state = 'waiting';
