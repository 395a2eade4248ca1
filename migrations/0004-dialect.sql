-- Facts outlive the planner that wrote them: without a word of their form, one of another form could not be told from a broken one.

-- The form in which the facts are kept (DIALECT in pipelines/plan/facts.ts); 0 before forms had numbers.
alter table run_facts add column dialect integer not null default 0;
