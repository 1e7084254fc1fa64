-- An entry as one line of text: position|generation|operation|scope|tenant|user|session|spared session, nothing for null.
-- Identifiers hold neither | nor line ends. RECONCILE hashes such lines (revocation/digest.ts), FOLLOW sends them: a tenth
-- of the time that the same takes as JSON.
create or replace function sekisho.entry_line(p sekisho.revocation) returns text
  language sql stable
as $$
  select concat_ws('|', p.position, p.generation, p.operation_id, p.scope, coalesce(p.tid, ''), coalesce(p.uid, ''),
                   coalesce(p.sid, ''), coalesce(p.spared_sid, ''))
$$;
