-- Resources that people have paused, and the maintenance of the whole server.

-- Nothing looks for new versions of a paused one, and those that come by themselves start nothing.
alter table resources
  add column paused_at     timestamptz,
  add column paused_by     bigint references users on delete set null,
  add column paused_reason text,
  add constraint resources_paused_check check ((paused_at is null) = (paused_reason is null)) not valid;
alter table resources validate constraint resources_paused_check;

-- While there is a row, no run begins anywhere: everything is received, recorded and queued, and waits.
create table maintenance (
  id     int         primary key default 1 check (id = 1),   -- there is one of it
  since  timestamptz not null default now(),
  by     bigint      references users on delete set null,
  reason text        not null
);
