-- Whole pipelines that people have paused: their jobs start nothing, and what is queued waits, until somebody lets them go on.

alter table pipelines
  add column paused_at     timestamptz,
  add column paused_by     bigint references users on delete set null,
  add column paused_reason text,
  add constraint pipelines_paused_check check ((paused_at is null) = (paused_reason is null)) not valid;
alter table pipelines validate constraint pipelines_paused_check;
