-- A log is stored as its runner packed it (zstd), and opened when it is read.

alter table log_chunks
  add column raw_bytes int,     -- what `bytes` become when they are opened; null: they are as they were said
  add column raw_lines int,     -- the line ends in that
  add constraint log_chunks_raw_check check ((raw_bytes is null) = (raw_lines is null)) not valid,
  alter column bytes set storage external;  -- from here on: packing once more would gain nothing. What is there stays readable
