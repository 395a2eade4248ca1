-- A project may tell its forge by a token of its own; a door of a forge is held by a lease, not by a connection.

alter table statuses
  add column unsure    boolean not null default false,   -- it was begun to be sent, and nobody heard whether it arrived
  add column own_token boolean not null default false;   -- told by the project's own token

alter table forge_doors
  drop constraint forge_doors_pkey,
  add column project_id  bigint references projects on delete cascade,  -- by whose token; null: the server's own
  add column lease_token text,                                          -- of the server that tells
  add column lease_until timestamptz,
  add constraint forge_doors_door unique nulls not distinct (forge, project_id);
