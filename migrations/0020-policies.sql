-- Policies have versions: of two admins who save at once the second one is told, and overwrites nothing that he has not seen.

alter table policies add column version integer not null default 1;
