-- How a house fares is counted as its runs end, so that a chart costs by the days it shows and never by the runs there were.

-- How far the facts are read. It begins before the first, so that what there is already is counted in the background.
create table tally_cursor (
  one      boolean primary key default true check (one),
  event_id bigint  not null default 0
);
insert into tally_cursor default values;

-- What came of the runs of a project in an hour or a day of UTC, spread over buckets of how long it took.
create table tallies (
  project_id bigint      not null references projects on delete cascade,
  grain      text        not null check (grain in ('hour', 'day')),
  at         timestamptz not null,
  what       text        not null check (what in ('succeeded', 'allowed', 'failed', 'errored', 'cancelled', 'waited',
    'busy', 'lead', 'deployed', 'deploy_failed', 'restored')),
  bucket     integer     not null,                     -- of the time, on a scale that grows by a tenth each; -1: nothing was timed
  n          bigint      not null,
  ms         bigint      not null,
  primary key (project_id, grain, at, what, bucket)
);
create index tallies_age on tallies (grain, at);

-- What each job had to do with it.
create table job_tallies (
  project_id bigint      not null references projects on delete cascade,
  grain      text        not null check (grain in ('hour', 'day')),
  at         timestamptz not null,
  job_id     bigint      not null references jobs on delete cascade,
  runs       bigint      not null,                     -- that came to an end by themselves
  green      bigint      not null,
  ms         bigint      not null,
  longest_ms bigint      not null,
  primary key (project_id, grain, at, job_id)
);
create index job_tallies_age on job_tallies (grain, at);
create index job_tallies_job on job_tallies (job_id);

-- In how many runs a test was flaky.
create table flaky_tallies (
  project_id bigint      not null references projects on delete cascade,
  grain      text        not null check (grain in ('hour', 'day')),
  at         timestamptz not null,
  test_id    bigint      not null references tests on delete cascade,
  n          bigint      not null,
  primary key (project_id, grain, at, test_id)
);
create index flaky_tallies_age on flaky_tallies (grain, at);
create index flaky_tallies_test on flaky_tallies (test_id);
