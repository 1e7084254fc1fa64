import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExportedLine } from '../../src/audit/export.ts';
import { verifyLines } from '../../src/audit/offline.ts';
import { type Verifier, verifierOfJwk } from '../../src/token/signing-key.ts';
import { createTestClock } from '../support/clock.ts';
import type { TestTenant } from '../support/engine.ts';
import { requestOf, startTestApp, type TestApp } from '../support/http.ts';
import { auditEvent } from '../support/seed.ts';
import { StreamReader } from '../support/stream.ts';

/** Nothing runs by itself: what a request costs can be counted. */
const clock = createTestClock();
let http: TestApp;
let acme: TestTenant;
let rival: TestTenant;
let token: string;

beforeAll(async () => {
  http = await startTestApp({ clock }, { clock });
  acme = await http.engine.makeTenant('acme');
  rival = await http.engine.makeTenant('rival');
  token = acme.pair.accessToken;
});
afterAll(() => http.close());

const path = (query = '') => `/v1/admin/audit/export${query}`;

async function rows(count: number, more: object = {}): Promise<void> {
  const now = clock.wallMs();
  for (let left = count; left > 0; left -= 100) {
    await http.engine.record.audit.append(
      Array.from({ length: Math.min(100, left) }, (_, n) =>
        auditEvent(acme.tenant.tid, 'authn_login_success', { atMs: now - 100_000 + n, ...more }),
      ),
    );
  }
  await clock.advance(1);
}

const linesOf = (text: string): readonly ExportedLine[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

/** Rests between batches are over by the clock of the test. */
async function whileTimePasses<Result>(work: Promise<Result>): Promise<Result> {
  let done = false;
  const settled = work.finally(() => {
    done = true;
  });
  while (!done) {
    await clock.advance(20);
    await new Promise((go) => setTimeout(go, 5));
  }
  return settled;
}

describe('B14 GET /v1/admin/audit/export', () => {
  test('B14 ASVS 16.2.1 JSON lines, oldest first, of the own tenant alone; it stands in the trail itself', async () => {
    await rows(450);
    const { headers, body } = await http.send('GET', path(), { token });
    expect(headers.get('content-type')).toBe('application/x-ndjson');
    expect(headers.get('content-disposition')).toMatch(
      /^attachment; filename="audit-\d{4}-\d\d-\d\d\.jsonl"$/,
    );
    expect(headers.get('cache-control')).toBe('no-store');
    const lines = linesOf(body);
    expect(lines.length).toBeGreaterThan(450);
    expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length);
    const times = lines.map(({ at }) => at);
    expect(times).toEqual(times.toSorted());
    expect(new Set(lines.map(({ tenant_id }) => tenant_id))).toEqual(new Set([acme.tenant.tid]));
    expect(body).not.toContain(rival.tenant.tid);
    const page = { limit: 10, cursor: null };
    const [row] = await http.engine.record.audit.list(
      acme.tenant.tid,
      { action: 'audit_exported' },
      page,
    );
    expect(row).toMatchObject({
      actor: { kind: 'user', uid: acme.admin.uid },
      detail: { format: 'jsonl' },
    });
  });

  test('B14 by actor, action and time, as CSV', async () => {
    const query = `?format=csv&action=tenant_created&from=${new Date(clock.wallMs() - 3_600_000).toISOString()}`;
    const { headers, body } = await http.send('GET', path(query), { token });
    expect(headers.get('content-type')).toContain('text/csv');
    const [head, row, end] = body.split('\r\n');
    expect(head).toMatch(/^id,tenant_id,at,action,/);
    expect(row).toContain(',tenant_created,success,operator,');
    expect(end).toBe('');
    const none = await http.send('GET', path(`?actor=${rival.admin.uid}`), { token });
    expect(none.body ?? '').toBe('');
  });

  test('B14 what is wrong is said before anything is sent', async () => {
    for (const query of ['?format=xml', '?from=yesterday', '?action=Not%20one', '?limit=5']) {
      const { status, body } = await http.send('GET', path(query), { token });
      expect([query, status, body.code]).toEqual([query, 422, 'validation_failed']);
    }
    const member = await http.engine.makeUser(acme.caller, 'member@acme.example');
    const pair = await http.engine.open('acme', member.uid);
    const denied = await http.send('GET', path(), { token: pair.accessToken });
    expect(denied.body.code).toBe('insufficient_role');
  });

  test('A6 A7 it is read as it is taken, and costs constant statements a page', async () => {
    await rows(1_000);
    const before = http.engine.record.statementCount();
    const request = requestOf('GET', path(), { token });
    const response = await http.app.handle(request, { peerAddress: null });
    await new Promise((done) => setTimeout(done, 50));
    const reader = response.body?.getReader();
    let part = await reader?.read();
    // By now, since what comes first is only sent when all that opens it has been asked.
    let statements = http.engine.record.statementCount();
    const opened = statements - before;
    let chunks = 0;
    for (; part?.done === false; part = await reader?.read()) {
      chunks += 1;
      // One page is read ahead, and no more, however long the reader takes.
      await new Promise((done) => setImmediate(done));
      expect(http.engine.record.statementCount() - statements).toBeLessThanOrEqual(2);
      statements = http.engine.record.statementCount();
    }
    expect(chunks).toBeGreaterThan(6);
    expect(opened).toBeLessThan(12);
  });

  test('B12 ASVS 7.4.2 it is broken off when its session is revoked, and nothing follows', async () => {
    await rows(1_000);
    const pair = await http.engine.open('acme', acme.admin.uid, 'exporter');
    const request = requestOf('GET', path(), { token: pair.accessToken });
    const response = await http.app.handle(request, { peerAddress: null });
    const reader = new StreamReader(response);
    await reader.until(() => reader.text.length > 0);
    await http.send('POST', '/v1/logout', { token: pair.accessToken });
    await expect(reader.until(() => false)).rejects.toThrow('cut');
    expect(linesOf(`${reader.text}\n`.replace(/\n\n$/, '\n')).length).toBeLessThan(1_000);
  });

  test('A7 a session has two exports at a time, and a finished one makes room', async () => {
    const pair = await http.engine.open('acme', acme.admin.uid, 'exporter');
    const open = () =>
      http.app.handle(requestOf('GET', path(), { token: pair.accessToken }), { peerAddress: null });
    const first = await open();
    const second = await open();
    expect((await open()).status).toBe(429);
    await first.text();
    expect((await open()).status).toBe(200);
    await second.body?.cancel();
    const head = await http.send('HEAD', path(), { token: pair.accessToken });
    expect(head.status).toBe(200);
  });

  test('B14 ASVS 16.4.2 a file is verified elsewhere, with the public keys and checkpoints that were kept', async () => {
    const { operator } = http.engine.engine;
    const kept = await whileTimePasses(operator.checkpointAudit({ tenant: 'acme', all: false }));
    expect(kept.checkpoints).toHaveLength(1);
    const keys = new Map<string, Verifier>(
      kept.keys.map((jwk) => [jwk.kid ?? '', verifierOfJwk(jwk)]),
    );
    const verify = (text: string) =>
      verifyLines(createInterface({ input: Readable.from([Buffer.from(text)]) }), {
        checkpoints: kept.checkpoints.map(({ token: one }) => one),
        keyOf: (kid) => keys.get(kid) ?? null,
      });
    const pair = await http.engine.open('acme', acme.admin.uid, 'auditor');
    const { body } = await http.send('GET', path(), { token: pair.accessToken });
    const report = await verify(body);
    expect(report).toMatchObject({ wrong: 0, gaps: 0, checkpoints: 1 });
    expect(report.rows - report.unsealed).toBeGreaterThan(1_000);
    const lines = linesOf(body);
    const at = lines.findIndex(({ seal }) => seal?.sequence === 5);
    const victim = lines[at];
    const changed = JSON.stringify({ ...victim, action: 'authn_logout' });
    const other = body.replace(JSON.stringify(victim), changed);
    expect((await verify(other)).problems).toMatchObject([
      { kind: 'changed', seq: 5, id: victim?.id },
    ]);
    const without = body.replace(`${JSON.stringify(victim)}\n`, '');
    const gap = await verify(without);
    expect(gap).toMatchObject({ wrong: 1, gaps: 1, trails: [{ missing: 1 }] });
    expect(gap.problems).toMatchObject([{ kind: 'removed', seq: 5, id: null }]);
    await expect(verify('{"id": 7}\n')).rejects.toThrow('no row');
  });
});
