-- What runs report of their tests and their coverage, so that people see what is newly red, what wavers and what is slow.

create table reports (
  run_id  bigint not null references runs on delete cascade,
  kind    text   not null check (kind in ('junit', 'coverage')),
  path    text   not null,                             -- of the file, from the working directory
  attempt int    not null,
  refusal text,                                        -- why it could not be read; null where it was
  primary key (run_id, kind, path)
);

-- A test of a job, under the name that it keeps from run to run.
create table tests (
  id     bigint generated always as identity primary key,
  job_id bigint not null references jobs on delete cascade,
  hash   bytea  not null,                              -- of suite and name: both may be long
  suite  text   not null,
  name   text   not null,
  unique (job_id, hash)
);

-- A run that has reported tests. `inputs` names its versions: runs of equal inputs should have equal results.
create table tested_runs (
  run_id  bigint primary key references runs on delete cascade,
  attempt int    not null,
  job_id  bigint not null references jobs on delete cascade,
  lane_id bigint not null references lanes on delete cascade,
  inputs  text   not null
);
create index tested_runs_job on tested_runs (job_id, run_id);
create index tested_runs_lane on tested_runs (job_id, lane_id, run_id);
create index tested_runs_inputs on tested_runs (job_id, inputs);

create table test_results (
  run_id      bigint  not null references runs on delete cascade,
  test_id     bigint  not null references tests on delete cascade,
  state       text    not null check (state in ('passed', 'failed', 'skipped')),
  duration_us bigint,
  message     text    not null,
  details     text    not null,
  wavered     boolean not null,                        -- within this run: it failed and passed
  new_failure boolean not null default false,          -- the run before it on the lane did not have it failing
  flaky       boolean not null default false,          -- it wavered, also between runs of the same versions
  rank        int     not null default 3,              -- the order in which people want to see it
  primary key (run_id, test_id)
);
create index test_results_history on test_results (test_id, run_id);
create index test_results_shown on test_results (run_id, rank, test_id);

create table covered_runs (
  run_id         bigint primary key references runs on delete cascade,
  attempt        int    not null,
  job_id         bigint not null references jobs on delete cascade,
  lane_id        bigint not null references lanes on delete cascade
);
create index covered_runs_lane on covered_runs (job_id, lane_id, run_id);

create table coverage_files (
  run_id         bigint not null references runs on delete cascade,
  path           text   not null,
  lines_found    int    not null,
  lines_hit      int    not null,
  branches_found int    not null,
  branches_hit   int    not null,
  primary key (run_id, path)
);
