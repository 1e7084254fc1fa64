import { SekishoError } from '../errors.ts';
import type { Database } from './database.ts';
import type { Release } from './migration-plan.ts';
import { compareVersions, FIRST_RELEASE } from './release.ts';
import type { LiveMember } from './shapes.ts';

/**
 * The nodes that seem to be running. By the record's clock and for upgrades only: the protocol compares no timestamps
 * (MEMBERS). Works on every schema from the first one on.
 */
export async function listLiveMembers(database: Database): Promise<readonly LiveMember[]> {
  const [found] = await database.query<{ members: boolean; releases: boolean }>({
    text: `select to_regclass('sekisho.member') is not null as members,
      to_regclass('sekisho.member_release') is not null as releases`,
  });
  if (found?.members !== true) return [];
  const release = found.releases
    ? '(select r.release from sekisho.member_release r where r.member = m.id)'
    : 'null::text';
  return await database.query<LiveMember>({
    text: `select m.id, m.address, ${release} as release from sekisho.member m
      where greatest(m.joined_at, m.beat_at) > clock_timestamp() - interval '1 minute'
      order by m.joined_at, m.id`,
  });
}

/**
 * Keeps a release that ends what older ones still need from pulling it away under nodes that run.
 *
 * @throws SekishoError `invalid_configuration` that names them.
 */
export async function refuseBesideOlder(database: Database, release: Release): Promise<void> {
  // Embedded: the lock of the directory proves that nobody else is there.
  if (database.kind === 'pglite' || compareVersions(release.runsBeside, FIRST_RELEASE) <= 0) return;
  const older = (await listLiveMembers(database)).filter(
    (one) => compareVersions(one.release ?? FIRST_RELEASE, release.runsBeside) < 0,
  );
  if (older.length === 0) return;
  const named = older.map(
    ({ id, address, release: runs }) => `${address ?? id} (${runs ?? 'unknown'})`,
  );
  throw new SekishoError(
    'invalid_configuration',
    `Sekisho ${release.version} may not run beside releases before ${release.runsBeside}, and ${named.join(', ')} ` +
      `still runs on this database: upgrade to ${release.runsBeside} first, or stop all nodes.`,
  );
}
