import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ARGON2 } from '../../src/login/password.ts';
import type { RecordStore } from '../../src/record/contract.ts';
import type { LoginInput } from '../../src/session/contract.ts';
import { createTestClock } from '../support/clock.ts';
import { codeOf, PASSWORD, startTestEngine, type TestEngine } from '../support/engine.ts';
import { openTestRecord } from '../support/record.ts';

/**
 * What a login costs, counted and not timed: how long something takes on one machine proves nothing of another, but equal
 * work takes equal time on all of them.
 */
const work = vi.hoisted(() => ({ argon2: [] as string[], record: [] as string[] }));

vi.mock('@node-rs/argon2', async (original) => {
  const real = await original<typeof import('@node-rs/argon2')>();
  const verify: typeof real.verify = (hash, ...rest) => {
    // Algorithm, version, cost, and how much of salt and output there is.
    const [, algorithm, version, cost, salt = '', output = ''] = String(hash).split('$');
    work.argon2.push(`verify ${algorithm} ${version} ${cost} ${salt.length} ${output.length}`);
    return real.verify(hash, ...rest);
  };
  const hash: typeof real.hash = (...given) => {
    work.argon2.push('hash');
    return real.hash(...given);
  };
  return { ...real, verify, hash };
});

/** The stores that logins use; what nodes do in the background goes by others. */
const STORES = ['sessions', 'attempts', 'audit', 'users', 'tenants', 'clients'] as const;

/** A record that notes each call of those, with how many things each of its lists has. */
function noting(record: RecordStore): RecordStore {
  const noted = STORES.map((name) => {
    const verbs = Object.entries(record[name]).map(([verb, run]) => [
      verb,
      (...given: readonly unknown[]) => {
        const lists = given.flatMap((one) => (Array.isArray(one) ? [one.length] : []));
        work.record.push([`${name}.${verb}`, ...lists].join(' '));
        return (run as (...given: readonly unknown[]) => unknown)(...given);
      },
    ]);
    return [name, Object.fromEntries(verbs)];
  });
  return { ...record, ...Object.fromEntries(noted) };
}

let at: TestEngine;
/** What a wrong password of an account that is there is answered, and costs. */
let wrong: Cost;

beforeAll(async () => {
  const record = noting((await openTestRecord()).record);
  // A clock that stands still: nobody waits out a limit because the machine is slow.
  at = await startTestEngine({ record, clock: createTestClock() });
  const { engine } = at;
  const { caller } = await at.makeTenant('main');
  await at.makeUser(caller, 'ann@main.example');
  const disabled = await at.makeUser(caller, 'disabled@main.example');
  await engine.administration.patchUser(caller, disabled.uid, { status: 'disabled' }, null);
  const invited = { email: 'invited@main.example', password: null, name: null, roles: null };
  await engine.administration.createUser(caller, invited);
  const other = await at.makeTenant('other');
  await at.makeUser(other.caller, 'theirs@other.example');
  const suspended = await at.makeTenant('suspended');
  await at.makeUser(suspended.caller, 'ann@suspended.example');
  await engine.operator.suspendTenant({ tenant: 'suspended', reason: null, waitMs: null });
  wrong = await costOf('main', 'ann@main.example');
});
afterAll(() => at?.close());

interface Cost {
  readonly code: string;
  readonly argon2: readonly string[];
  readonly record: readonly string[];
}

/** What a login is answered, and what it has cost. */
async function costOf(
  tenant: string,
  email: string,
  more: Partial<LoginInput> = {},
): Promise<Cost> {
  const from = { argon2: work.argon2.length, record: work.record.length };
  const code = await codeOf(at.login(tenant, email, { password: 'wrong-wrong-wrong', ...more }));
  const { argon2, record } = work;
  return { code, argon2: argon2.slice(from.argon2), record: record.slice(from.record) };
}

const RIGHT = { password: PASSWORD };
const REFUSED = [
  ['an account that nobody has', 'main', 'nobody@main.example', {}],
  ['what is no address', 'main', 'nobody', {}],
  ['a disabled account, by its password', 'main', 'disabled@main.example', RIGHT],
  ['a disabled account, by another password', 'main', 'disabled@main.example', {}],
  ['an account that has no password yet', 'main', 'invited@main.example', {}],
  ['an account of another tenant, by its password', 'main', 'theirs@other.example', RIGHT],
  ['a tenant that does not exist', 'nowhere', 'ann@main.example', {}],
  ['what is no slug', 'NO SLUG', 'ann@main.example', {}],
  ['an account of a suspended tenant', 'suspended', 'ann@suspended.example', {}],
  ['nobody of a suspended tenant', 'suspended', 'nobody@suspended.example', {}],
] as const;

describe('ASVS 6.3.8: the work of a refused login tells nothing of the account', () => {
  test.each(REFUSED)(
    'ASVS 6.3.8 %s costs what a wrong password does',
    async (_, tenant, email, more) => {
      expect(await costOf(tenant, email, more)).toEqual(wrong);
      // One computation, of the cost that the documentation names, and one call for each thing to be done.
      const { memoryKiB, passes, lanes } = ARGON2;
      expect(wrong.code).toBe('invalid_credentials');
      expect(wrong.argon2).toEqual([
        expect.stringMatching(`^verify argon2id v=19 m=${memoryKiB},t=${passes},p=${lanes} `),
      ]);
      expect(wrong.record).toEqual(['sessions.loginFacts', 'attempts.reserve 2', 'audit.append 1']);
    },
  );

  test('ASVS 6.3.8 6.3.1 above the limit nobody is computed for, whether there is such an account or not', async () => {
    const limited = async (tenant: string, email: string) => {
      for (let tries = 0; tries < 12; tries += 1) await codeOf(at.login(tenant, email));
      return costOf(tenant, email);
    };
    const disabled = await limited('main', 'disabled@main.example');
    expect(disabled).toMatchObject({ code: 'too_many_attempts', argon2: [] });
    expect(await limited('main', 'somebody@main.example')).toEqual(disabled);
    expect(await limited('nowhere', 'somebody@main.example')).toEqual(disabled);
  });

  test('ASVS 6.3.8 a right password is computed once, too', async () => {
    const { code, argon2 } = await costOf('other', 'theirs@other.example', RIGHT);
    expect([code, argon2.length]).toEqual(['none', 1]);
  });
});
