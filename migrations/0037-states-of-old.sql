-- A name that once was a state's keeps what it remembered: whoever uses it for another kind is told so, and a fork does not read it.
alter table resources add column was_state boolean not null default false;
update resources set was_state = true where kind = 'state';
