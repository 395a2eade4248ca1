-- What is asked again and again is found by an index however much there is of it, and the files of a resource have their time.

-- A folder that was sent and never became a version goes after a day; those of versions when the resource's `keep` says so.
alter table folders
  alter column archive_id drop not null,                -- null: expired
  add column expires_at timestamptz;                    -- null: kept as long as its version is there
update folders set expires_at = created_at + interval '1 day' where not exists (
  select from versions where versions.resource_id = folders.resource_id and versions.body ->> 'folder' = folders.version);
create index folders_due on folders (expires_at) where archive_id is not null;
create index versions_folder on versions (resource_id, (body ->> 'folder')) where body ->> 'folder' is not null;

-- Which closing of a lane its caches and states went with: what is left there later is looked for anew.
alter table lanes add column files_dropped_for timestamptz;
create index lanes_to_drop on lanes (closed_at) where closed_at is distinct from files_dropped_for;

-- A check that nobody asks any more is none: it is deleted where its last asker leaves.
delete from checks where not exists (select from resources where resources.check_id = checks.id);
create index checks_next on checks (due_at);
create index checks_leased on checks (lease_until) where lease_until is not null;

-- Versions and the leg of a matrix may be any number of letters; equal ones have equal hashes.
drop index tested_runs_inputs;
update tested_runs set inputs = encode(sha256(convert_to(inputs, 'UTF8')), 'hex');
create index tested_runs_inputs on tested_runs (job_id, inputs, run_id);
alter table tested_runs drop column attempt;
alter table covered_runs drop column attempt;

-- A state that a job is seldom in costs nothing of the job's history.
create index runs_job_state on runs (job_id, state, id);
