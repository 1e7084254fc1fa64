-- LINEAGE: a generation, its parent, and so on as far as the record keeps them; newest first.
create or replace function sekisho.lineage_of(p_generation text) returns jsonb
  language sql stable
as $$
  with recursive line as (
    select g.*, 0 as age from sekisho.generation g where g.id = p_generation
     union all
    select g.*, line.age + 1 from line join sekisho.generation g on g.id = line.parent
  )
  select coalesce(jsonb_agg(jsonb_build_object(
             'id', id, 'parent', parent, 'parentEnd', parent_end, 'settled', settled) order by age), '[]')
    from line
$$;
