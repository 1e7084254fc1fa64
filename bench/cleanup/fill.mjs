/** Rows that are written at once, so that no statement passes its deadline. */
const FILL_ROWS = 20_000;

/** Sessions that ended a month ago, of a thousand tenants. */
export async function fill(database, sessions) {
  console.error(`writing ${sessions} expired sessions …`);
  const system = { text: "select set_config('role', 'sekisho_system', true)" };
  const deadline = { deadlineMs: 600_000 };
  for (let from = 1; from <= sessions; from += FILL_ROWS) {
    const to = Math.min(sessions, from + FILL_ROWS - 1);
    await database.transaction(
      [
        system,
        {
          text: `insert into sekisho.session
              (tid, sid, uid, device_name, ip, user_agent, amr, auth_time, created_at, last_seen_at, idle_timeout_s,
               absolute_end_at, generation, epoch, current_hash, issued_at, successor_hash, successor_key_id)
            select 't' || n % 1000, md5('s' || n), md5('u' || n / 5), 'Phone', '192.0.2.1', 'bench', '{pwd}', at, at, at, 3600,
                   at + interval '1 day', 'g', 1, sha256(('c' || n)::bytea), at, sha256(('d' || n)::bytea), 'k'
              from generate_series($1::integer, $2::integer) n,
                   lateral (select now() - interval '40 days' + n * interval '1 s' as at) a`,
          values: [from, to],
        },
        {
          text: `insert into sekisho.refresh_used (tid, sid, hash, rot, key_id, used_at)
            select 't' || n % 1000, md5('s' || n), sha256(('u' || n)::bytea), 0, 'k', now()
              from generate_series($1::integer, $2::integer, 2) n`,
          values: [from, to],
        },
      ],
      deadline,
    );
  }
  for (const table of ['session', 'refresh_used']) {
    await database.query({ text: `vacuum (analyze) sekisho.${table}` }, deadline);
  }
  if (database.kind === 'pglite') await database.query({ text: 'checkpoint' }, deadline);
}
