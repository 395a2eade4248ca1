-- What the default branch's file has no more keeps its history: since when, by which commit, and whether a person lets it be deleted.

alter table pipelines
  add column removed_at   timestamptz,
  add column removed_sha  text,
  add column condemned_at timestamptz;              -- everything of it until then is being deleted, bit by bit
alter table jobs
  add column removed_at   timestamptz,
  add column removed_sha  text,
  add column condemned_at timestamptz;
alter table resources
  add column removed_at   timestamptz,
  add column removed_sha  text,
  add column condemned_at timestamptz;
