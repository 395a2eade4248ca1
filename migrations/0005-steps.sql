-- Steps are a tree: groups with members, hooks, services, tries; and runs say what they wrote, took and may be forgiven.

alter table steps
  add column kind    text    not null default 'run'
    check (kind in ('prepare', 'run', 'get', 'put', 'group', 'service', 'finish')),
  add column parent  int,                             -- the step that it is a member or a hook of; null at the top
  add column hook    text check (hook in ('on_success', 'on_failure', 'on_error', 'on_cancel', 'always')),
  add column tries   int     not null default 1,
  add column allowed boolean not null default false,  -- it failed, and may: the run went on
  add column reason  text;                            -- why it was passed over
update steps set kind = 'prepare' where step = 0;

alter table runs
  add column allow_failure boolean not null default false,  -- a failure does not stop the line
  add column exit_code     int,                             -- of the command that ended it
  add column values_out    jsonb,                           -- what it wrote to $TAKT_OUTPUT, of the newest attempt
  add column usage         jsonb;                           -- {peakMemoryBytes, cpuMs} of the newest attempt
