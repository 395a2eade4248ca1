-- What a job remembers is versions that follow one another, and people make some of them; so it is with versions of resources.

create table job_states (
  id         bigint      generated always as identity primary key,
  lane_id    bigint      not null references lanes on delete cascade,
  job_id     bigint      not null references jobs on delete cascade,
  matrix     jsonb,                                       -- the leg; null for a job without
  version    int         not null,                        -- counted from 1
  archive_id bigint      not null references archives,
  run_id     bigint      references runs on delete set null,
  made_at    timestamptz not null default clock_timestamp(),
  made_by    text,                                        -- null: a run
  reason     text,
  restored   int,                                         -- the version that it is again
  unique nulls not distinct (lane_id, job_id, matrix, version)
);
create index job_states_archive on job_states (archive_id);
create index job_states_job on job_states (job_id);
create index job_states_run on job_states (run_id) where run_id is not null;

insert into job_states (lane_id, job_id, matrix, version, archive_id, run_id, made_at)
select states.lane_id, states.job_id, runs.matrix,
  row_number() over (partition by states.lane_id, states.job_id, runs.matrix order by states.run_id),
  states.archive_id, states.run_id, coalesce(runs.ended_at, now())
from states join runs on runs.id = states.run_id
where runs.state = 'succeeded'
order by states.run_id;

-- Versions that a person made, and why.
create table version_edits (
  version_id bigint      primary key references versions on delete cascade,
  made_by    text        not null,
  reason     text,
  restored   text
);
