import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHttpApp, type HttpApp } from '../../src/http/app.ts';
import type { RecordStore } from '../../src/record/contract.ts';
import { startTestEngine, type TestEngine, type TestTenant } from '../support/engine.ts';
import { requestOf } from '../support/http.ts';
import { openTestRecord } from '../support/record.ts';
import { auditEvent } from '../support/seed.ts';
import { StreamReader } from '../support/stream.ts';

/** Two nodes on one record, which hear nothing of each other but through it. */
let record: RecordStore;
let nodes: readonly TestEngine[] = [];
let apps: readonly HttpApp[] = [];
let acme: TestTenant;
let rival: TestTenant;

beforeAll(async () => {
  const made = await openTestRecord();
  record = made.record;
  const shared: RecordStore = { ...record, close: async () => {} };
  for (const _ of ['one', 'two']) {
    nodes = [...nodes, await startTestEngine({ record: shared, exclusive: false })];
  }
  apps = nodes.map(({ engine }) => createHttpApp(engine));
  const [one] = nodes;
  if (one === undefined) throw new Error('no node');
  acme = await one.makeTenant('acme');
  rival = await one.makeTenant('rival');
  // Every stream is one of a session of its own.
  await one.setPolicy(acme.caller, { max_sessions_per_user: 100 });
  acme = { ...acme, caller: await one.callerOf(await one.open('acme', acme.admin.uid)) };
});
afterAll(async () => {
  for (const node of nodes) await node.close();
  await record?.close();
});

const node = (at: number): TestEngine => {
  const found = nodes[at];
  if (found === undefined) throw new Error('no such node');
  return found;
};

async function listen(
  at: number,
  { tenant = acme, after }: { readonly tenant?: TestTenant; readonly after?: string } = {},
): Promise<StreamReader> {
  const { slug } = tenant.tenant;
  const { accessToken } = await node(at).open(slug, tenant.admin.uid, 'console');
  const headers = after === undefined ? {} : { 'last-event-id': after };
  const request = requestOf('GET', '/v1/admin/events', { token: accessToken, headers });
  const response = await apps[at]?.handle(request, { peerAddress: null });
  if (response?.status !== 200) throw new Error(`no stream: ${response?.status}`);
  return new StreamReader(response);
}

let people = 0;
/** Something happens at a node: a user is made. */
async function happens(at: number): Promise<string> {
  people += 1;
  const user = await node(at).makeUser(acme.caller, `user${people}@acme.example`);
  return user.uid;
}

/** Users of whose making a stream tells, in its order. */
const madeIn = ({ events }: StreamReader): readonly string[] =>
  events
    .filter(({ type }) => type === 'user.created')
    .map(({ data }) => (data.subject as { user_id: string }).user_id);

describe('B11 Last-Event-ID', () => {
  test('another node goes on where one stopped: no event is lost at the seam, and none comes twice', async () => {
    const whole = await listen(0);
    await whole.connected();
    let broken = await listen(0);
    await broken.connected();
    const made: string[] = [];
    const seen: string[] = [];
    const ids: (string | null)[] = [];
    for (let seam = 0; seam < 4; seam += 1) {
      for (let n = 0; n < 3; n += 1) made.push(await happens(n % 2));
      // It breaks after the first event, in the middle or behind the last: wherever the network happens to.
      await broken.until(() => madeIn(broken).length > seam);
      seen.push(...madeIn(broken));
      ids.push(...broken.events.map(({ resume }) => resume));
      const after = broken.lastId;
      await broken.cancel();
      // What happens while nobody listens.
      made.push(await happens(seam % 2));
      broken = await listen((seam + 1) % 2, { after: after ?? '' });
    }
    made.push(await happens(0));
    await whole.until(() => madeIn(whole).length >= made.length);
    await broken.until(() => seen.length + madeIn(broken).length >= made.length);
    seen.push(...madeIn(broken));
    ids.push(...broken.events.map(({ resume }) => resume));
    expect([...seen].sort()).toEqual([...made].sort());
    // The order is one for all nodes, and every event has the same id everywhere.
    expect(seen).toEqual(madeIn(whole));
    const reference = whole.events.map(({ resume }) => resume);
    const resumable = ids.filter((id) => id !== null);
    expect(new Set(resumable).size).toBe(resumable.length);
    const same = reference.filter((id) => id !== null);
    const from = same.indexOf(resumable[0] ?? '');
    expect(resumable).toEqual(same.slice(from, from + resumable.length));
    await Promise.all([whole.cancel(), broken.cancel()]);
  });

  test('a stream that had no event yet goes on from where it began', async () => {
    const first = await listen(0);
    await first.connected();
    const after = first.lastId;
    expect(after).toMatch(/^\d+\.\d+-[\w-]{8}$/);
    await first.cancel();
    const uid = await happens(1);
    const second = await listen(1, { after: after ?? '' });
    await second.until(() => madeIn(second).length > 0);
    expect(madeIn(second)).toEqual([uid]);
    expect(second.events.map(({ type }) => type)).not.toContain('stream.gap');
    await second.cancel();
  });

  test('what happened before a stream began is none of its events', async () => {
    await happens(0);
    const stream = await listen(1);
    await stream.connected();
    const uid = await happens(0);
    await stream.until(() => madeIn(stream).length > 0);
    expect(madeIn(stream)).toEqual([uid]);
    await stream.cancel();
  });

  test('a place of another tenant, of another history or of none is a gap: load anew', async () => {
    const theirs = await listen(0, { tenant: rival });
    await theirs.connected();
    const ours = await listen(0);
    await ours.connected();
    const [place = ''] = ours.lastId?.split('-') ?? [];
    for (const after of [
      theirs.lastId ?? '',
      `${place}-AAAAAAAA`,
      '999999999.0-AAAAAAAA',
      'hQ2mZ7xW0rTn5bJ8cK1vYA',
      '1',
      `${'9'.repeat(400)}`,
    ]) {
      const stream = await listen(1, { after });
      await stream.until(() => stream.events.length > 0);
      expect([after, stream.events[0]]).toMatchObject([
        after,
        { type: 'stream.gap', resume: expect.stringMatching(/^\d+\.\d+-/) },
      ]);
      // From the gap on it is a stream like any other.
      const uid = await happens(0);
      await stream.until(() => madeIn(stream).length > 0);
      expect(madeIn(stream)).toEqual([uid]);
      expect(stream.text).not.toContain(rival.tenant.tid);
      await stream.cancel();
    }
    await Promise.all([theirs.cancel(), ours.cancel()]);
  });

  test('more rows than the window holds are a gap', async () => {
    const stream = await listen(0);
    await stream.connected();
    const after = stream.lastId ?? '';
    await stream.cancel();
    const { tid } = acme.tenant;
    for (let n = 0; n < 11; n += 1) {
      await record.audit.append(
        Array.from({ length: 100 }, () =>
          auditEvent(tid, 'authn_login_success', { atMs: Date.now() }),
        ),
      );
    }
    await expect
      .poll(async () => (await record.trail.state(tid)).waiting, { timeout: 60_000 })
      .toBe(0);
    const late = await listen(1, { after });
    await late.until(() => late.events.length > 0);
    expect(late.events[0]?.type).toBe('stream.gap');
    await late.cancel();
  });
});
