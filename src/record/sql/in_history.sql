-- HAND IN: whether a name (generation and position) is part of the history that the head stands for. The name of an entry
-- that was lost is not. No name at all is not a lost one: an operation without an entry.
create or replace function sekisho.in_history(p_generation text, p_position bigint) returns boolean
  language sql stable
as $$
  with recursive line as (
    select g.id, g.parent, g.parent_end, h.position as last
      from sekisho.head h
      join sekisho.generation g on g.id = h.generation
     union all
    select g.id, g.parent, g.parent_end, least(line.last, line.parent_end)
      from line
      join sekisho.generation g on g.id = line.parent
  )
  select p_generation is null
      or exists (
        select from line
         where line.id = p_generation and p_position > line.parent_end and p_position <= line.last)
$$;
