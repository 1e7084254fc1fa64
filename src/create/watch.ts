import { SekishoError } from '../errors.ts';
import { createMemberStore } from '../record/member-store.ts';
import { openPostgres } from '../record/postgres/open.ts';
import type { MemberState } from '../session/contract.ts';
import { memberState } from '../session/nodes.ts';

/** `undefined_function`, `invalid_schema_name`, `undefined_object` (a role): no Sekisho has ever been set up there. */
const NOTHING_THERE = new Set(['42883', '3F000', '42704']);

/**
 * The members as the record tells of them, without becoming one: nothing is migrated and nobody waits for whoever looks.
 *
 * @throws SekishoError as `openPostgres`; `store_unavailable` when the database holds no Sekisho.
 */
export async function watchMembers(databaseUrl: string): Promise<readonly MemberState[]> {
  const database = await openPostgres({ url: databaseUrl, max: 1 });
  try {
    const { head, members } = await createMemberStore(database).watch();
    return members.map((member) => memberState(member, head, null));
  } catch (error) {
    const { cause } = error as { cause?: { sqlState?: string } };
    if (!NOTHING_THERE.has(cause?.sqlState ?? '')) throw error;
    throw new SekishoError(
      'store_unavailable',
      'No Sekisho of this release has been set up in this database: start a server, or run sekisho migrate.',
      { cause: error },
    );
  } finally {
    await database.close();
  }
}
