-- FOLLOW: entries after a position, in order, with head and horizon of the same moment. Columns, not jsonb: a node that
-- starts reads a million entries, and putting the text into jsonb would double the time.
-- Result: one row; `entries` is a line an entry, joined by line feeds.
create or replace function sekisho.fetch_log(p_after bigint, p_limit integer)
  returns table (generation text, "position" bigint, identity_agrees boolean, horizon bigint, entries text)
  language plpgsql volatile
as $$
begin
  perform sekisho.take_role(null);
  return query
    select h.generation, h.position, h.identity = sekisho.server_identity(), h.horizon, (
          select coalesce(string_agg(sekisho.entry_line(r), E'\n'), '')
            -- Aggregated as it comes: in order. A node checks that, too.
            from (select * from sekisho.revocation l where l.position > p_after order by l.position limit p_limit) r)
      from sekisho.head h;
end $$;
