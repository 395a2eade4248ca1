-- What policies warned of when a run began or was decided about, which images a runner's operator gives all powers of root, and what the
-- engine really ran of each image that a run named.

create table run_warnings (
  id     bigint      generated always as identity primary key,
  run_id bigint      not null references runs on delete cascade,
  rule   text        not null,
  words  text        not null,
  at     timestamptz not null default now()
);
create unique index run_warnings_once on run_warnings (run_id, rule, md5(words));

alter table runners add column privileged_images text[] not null default '{}';

create table run_images (
  run_id     bigint      not null references runs on delete cascade,
  attempt    integer     not null,
  image_id   text        not null,   -- the digest of its configuration, by which the engine knows it
  image      text        not null,   -- as the file names it
  digests    text[]      not null,   -- name@sha256:…, as registries know it; none of an image that was never in one
  at         timestamptz not null default now(),
  primary key (run_id, attempt, image_id, image)
);
