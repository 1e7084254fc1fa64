-- HistoryCheck: generation and position of the head, and whether the server is still the one whose history it is. STABLE
-- in its reads, so that it speaks of the same moment as the rest of the statement that calls it.
create or replace function sekisho.history() returns jsonb
  language sql stable
as $$
  select jsonb_build_object(
      'head', jsonb_build_object('generation', h.generation, 'position', h.position),
      'identityAgrees', h.identity = sekisho.server_identity())
    from sekisho.head h
$$;
