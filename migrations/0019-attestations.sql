-- How each version that a run put came to be, signed by the server; and the public keys that it ever signed with.

create table attestation_keys (
  id         text        primary key,  -- the beginning of the SHA-256 of the public key
  public_key text        not null,     -- PEM
  created_at timestamptz not null default now()
);

create table attestations (
  version_id bigint      not null references versions on delete cascade,
  run_id     bigint      not null references runs on delete cascade,
  key_id     text        not null references attestation_keys,
  envelope   jsonb       not null,     -- DSSE; its payload is an in-toto statement
  created_at timestamptz not null default now(),
  primary key (version_id, run_id)
);
create index attestations_run on attestations (run_id);
