import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HubEvent } from '../../src/hub/contract.ts';
import type { Log } from '../../src/observe/log.ts';
import type { Database } from '../../src/record/database.ts';
import {
  codeOf,
  ORIGIN,
  PASSWORD,
  SECRET,
  startTestEngine,
  type TestEngine,
} from '../support/engine.ts';
import { openTestRecord } from '../support/record.ts';

const WRONG = 'a-wrong-password-that-must-not-be-seen';
const NEXT = 'silver-harbour-walnut-27';

const lines: string[] = [];
const note = (fields: object, message: string): void => {
  // Errors hide their members from JSON; what a logger could print of them counts.
  lines.push(
    message,
    JSON.stringify(fields, (_, value) => (value instanceof Error ? printed(value) : value)),
  );
};
const log: Log = { error: note, warn: note, info: note, debug: note };

let test_: TestEngine;
let database: Database;

beforeAll(async () => {
  const opened = await openTestRecord();
  database = opened.database;
  test_ = await startTestEngine({ record: opened.record, log });
});
afterAll(() => test_.close());

function printed(error: Error): string {
  const own = Object.getOwnPropertyNames(error).map((name) => String(Reflect.get(error, name)));
  return [...own, error.cause instanceof Error ? printed(error.cause) : ''].join('\n');
}

/** Every text of every table, as it stands in the database. */
async function everythingStored(): Promise<string> {
  const tables = await database.query<{ name: string }>({
    text: "select table_name as name from information_schema.tables where table_schema = 'sekisho' and table_type = 'BASE TABLE'",
  });
  expect(tables.length).toBeGreaterThan(15);
  const dumps: string[] = [];
  for (const { name } of tables) {
    const rows = await database.query<{ row: string }>({
      text: `select to_jsonb(t)::text as row from sekisho.${name} t`,
    });
    dumps.push(...rows.map(({ row }) => row));
  }
  return dumps.join('\n');
}

test('ASVS 16.2.5: no password and no token in errors, logs, events, audit rows or the record', async () => {
  const events: HubEvent[] = [];
  const errors: string[] = [];
  const catching = async (work: Promise<unknown>): Promise<void> => {
    const error = await work.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(Error);
    errors.push(printed(error as Error), JSON.stringify(error));
  };
  const { engine } = test_;
  const { caller: admin, pair: adminPair } = await test_.makeTenant('main');
  const stop = test_.services.hub.onEvent((event) => events.push(event));
  await test_.makeUser(admin, 'noor@main.example');
  const first = await test_.login('main', 'noor@main.example');
  const caller = await test_.callerOf(first);
  const second = await engine.logins.refresh(first.refreshToken, ORIGIN);
  const again = await engine.logins.reauthenticate(caller, PASSWORD);
  const changed = await engine.logins.changePassword(await test_.callerOf(again), PASSWORD, NEXT);
  const { ticket } = await engine.sockets.issueTicket(await test_.callerOf(changed));
  await engine.sockets.redeemTicket(ticket);
  const made = await engine.administration.createUser(admin, {
    email: 'ida@main.example',
    password: null,
    name: null,
    roles: null,
  });

  await catching(test_.login('main', 'noor@main.example', { password: WRONG }));
  // A password that was typed into the field of the address, too.
  await catching(test_.login('main', WRONG, { password: WRONG }));
  await catching(engine.logins.reauthenticate(await test_.callerOf(changed), WRONG));
  await catching(engine.logins.changePassword(await test_.callerOf(changed), NEXT, 'short1!'));
  await catching(engine.logins.refresh(`${second.refreshToken}x`, ORIGIN));
  await catching(engine.authentication.authenticate(first.accessToken));
  await catching(engine.authentication.authenticate(`${changed.accessToken}x`));
  await catching(engine.sockets.redeemTicket(ticket));
  await catching(engine.logins.resetPassword(`${made.reset?.token}x`, NEXT, ORIGIN));
  await catching(engine.logins.refresh(second.refreshToken, ORIGIN));
  await engine.logins.logout({ accessToken: adminPair.accessToken, refreshToken: null }, ORIGIN);
  await test_.flush();
  stop();

  const secrets = [
    PASSWORD,
    WRONG,
    NEXT,
    SECRET,
    ticket,
    made.reset?.token ?? 'no reset',
    first.deviceToken,
    ...[first, second, again, changed, adminPair].flatMap((pair) => [
      pair.accessToken,
      pair.refreshToken,
      pair.refreshToken.split('.')[2] ?? '',
      pair.accessToken.split('.')[2] ?? '',
    ]),
  ];
  const stored = await everythingStored();
  const audit = await database.query({
    text: 'select to_jsonb(t)::text as row from sekisho.audit t',
  });
  expect(audit.length).toBeGreaterThan(10);
  expect(events.length).toBeGreaterThan(5);
  const places = {
    errors: errors.join('\n'),
    logs: lines.join('\n'),
    events: JSON.stringify(events),
  };
  for (const [index, secret] of secrets.entries()) {
    expect(secret.length).toBeGreaterThan(12);
    for (const [place, text] of Object.entries({ ...places, stored })) {
      expect(text.includes(secret), `secret ${index} in ${place}`).toBe(false);
    }
  }
  // Hashes of passwords stand where they are checked, and nowhere else.
  expect(Object.values(places).join('\n')).not.toContain('$argon2');
  expect(audit.map(({ row }) => row).join('\n')).not.toContain('$argon2');
});

test('ASVS 16.3.1, 16.2.1: who, what, when and where for every result', async () => {
  const { caller: admin } = await test_.makeTenant('trail');
  const user = await test_.makeUser(admin, 'noor@trail.example');
  const pair = await test_.login('trail', 'noor@trail.example');
  await codeOf(test_.login('trail', 'noor@trail.example', { password: WRONG }));
  await test_.engine.logins.refresh(pair.refreshToken, ORIGIN);
  await test_.engine.administration.patchUser(admin, user.uid, { roles: ['auditor'] }, null);
  await test_.engine.administration.revokeUser(admin, user.uid, {
    reason: 'left the company',
    waitMs: 2_000,
    includeSelf: false,
    idempotency: null,
  });
  const page = { limit: 200, cursor: null };
  const rows = await test_.engine.administration.listAudit(admin, {}, page);
  const find = (action: string) => rows.find((row) => row.action === action);
  const ofUser = { kind: 'user', uid: user.uid, sid: pair.session.sid };
  const ofAdmin = { kind: 'user', uid: admin.session.userId, sid: admin.session.sessionId };
  const where = { ip: ORIGIN.ip, userAgent: ORIGIN.userAgent, requestId: ORIGIN.requestId };
  expect(find('authn_login_success')).toMatchObject({
    ...where,
    outcome: 'success',
    actor: ofUser,
  });
  expect(find('authn_login_fail')).toMatchObject({ ...where, outcome: 'failure' });
  expect(find('authn_token_refreshed')).toMatchObject({
    ...where,
    subject: { id: pair.session.sid },
  });
  expect(find('user_created')).toMatchObject({
    ...where,
    actor: ofAdmin,
    subject: { id: user.uid },
  });
  expect(find('user_roles_changed')).toMatchObject({
    actor: ofAdmin,
    detail: { roles: 'auditor' },
  });
  expect(find('session_revoked')).toMatchObject({
    actor: ofAdmin,
    subject: { kind: 'user', id: user.uid },
    detail: { reason: 'left the company' },
  });
  expect(find('tenant_created')).toMatchObject({ actor: { kind: 'operator' } });
});
