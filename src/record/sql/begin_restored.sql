-- RESTORE: begins the generation of a request that declares the record restored, in the transaction of its floor, so that
-- nothing comes between the two. A repeated declaration begins none. Open password resets go: one that was used after the
-- backup would be unused again. So do signing keys, since one of them may have been withdrawn after the backup because
-- somebody has it: each counts as retired for so long that no token of it is good any more, and the declaration's own one
-- takes their place. A key that was still to come never becomes active, or the next one would have to wait for its time.
-- What operators had in force for a while is in force again where it makes things stricter (ceilings, limits), although it
-- may have been cleared since; what makes less happen is over: a pause of clean-up, which has no end, and log levels.
-- Both times are the caller's, and no later than this server's clock allows: a machine whose clock is ahead would leave the
-- keys good that it withdraws, and its own one without a signature, until everybody else's clock has come to its time.
--   p  a CommitRequest, as in commit; nothing is done without its `restored`. Without `restoredKeys`, which the release
--      before does not send, the next node that looks makes the new key.
create or replace function sekisho.begin_restored(p jsonb) returns void
  language plpgsql volatile
as $$
declare
  -- Longer than a token lives, with what clocks may differ by.
  c_gone       constant interval := interval '2 hours';
  -- What clocks may differ by: whoever reads the record finds that the key signs.
  c_clocks     constant interval := interval '1 minute';
  v_key        jsonb := p #> '{restoredKeys,key}';
  v_withdrawn  timestamptz := least(
    sekisho.from_ms((p #>> '{restoredKeys,withdrawnAtMs}')::bigint),
    sekisho.from_ms((p ->> 'nowMs')::bigint) - case when p ? 'restoredKeys' then interval '0' else c_gone end,
    clock_timestamp() - c_gone);
begin
  if p ->> 'restored' is null or sekisho.commit_known(p) is not null then return; end if;
  perform sekisho.begin_generation(h.generation, p ->> 'restored', true) from sekisho.head h;
  delete from sekisho.password_reset;

  perform sekisho.take_role(null);
  update sekisho.signing_key k
     set active_from = least(k.active_from, v_withdrawn), retired_at = least(k.retired_at, v_withdrawn);

  perform sekisho.pause_sweep(false) from sekisho.sweep w where w.paused;
  update sekisho.override o set until_at = sekisho.from_ms((p ->> 'nowMs')::bigint)
   where o.kind = 'log_level' and (o.until_at is null or o.until_at > sekisho.from_ms((p ->> 'nowMs')::bigint));
  update sekisho.operations set version = version + 1;

  if v_key is not null then
    insert into sekisho.signing_key (kid, purpose, alg, public_jwk, private_sealed, active_from)
    values (v_key ->> 'kid', v_key ->> 'purpose', v_key ->> 'alg', v_key -> 'publicJwk',
            decode(v_key ->> 'privateSealed', 'hex'), least(sekisho.from_ms((v_key ->> 'activeFromMs')::bigint), clock_timestamp() - c_clocks));
  end if;
end $$;
