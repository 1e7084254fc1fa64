import { describe, expect, test, vi } from 'vitest';
import { isClientError, type TokenStorage } from '../../src/client/index.ts';
import { memoryStorage } from './deployment.ts';
import { ELSEWHERE, eventsOf, LOGIN, usePages } from './pages.ts';

const pages = usePages();

/** A storage that can be taken away. */
function shaky() {
  const { kept, getItem, setItem, removeItem } = memoryStorage();
  const away = { read: false, write: false };
  const unless = async <Result>(gone: boolean, work: () => Result): Promise<Result> => {
    if (gone) throw new Error('IndexedDB is gone');
    return work();
  };
  const storage: TokenStorage = {
    getItem: (key) => unless(away.read, () => getItem(key)),
    setItem: (key, value) => unless(away.write, () => setItem(key, value)),
    removeItem: (key) => unless(away.write, () => removeItem(key)),
  };
  return { kept, away, storage };
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return isClientError(error) ? error.code : error;
}

describe('a storage that cannot be read', () => {
  test('is read again by the next call', async () => {
    const { away, storage } = shaky();
    await pages.clientOf({ storage }).login(LOGIN);
    const client = pages.clientOf({ storage });
    away.read = true;
    expect(await codeOf(client.session())).toBe('storage_error');
    expect(await codeOf(client.accessToken())).toBe('storage_error');
    away.read = false;
    expect(await client.session()).toMatchObject({ user: { email: LOGIN.email } });
  });

  test('B2 lets the tab know of a login elsewhere, and follow it as soon as it can', async () => {
    const { away, storage } = shaky();
    const [one, other] = [pages.clientOf({ storage }), pages.clientOf({ storage })];
    const events = eventsOf(other);
    const unhandled: unknown[] = [];
    const notice = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', notice);
    try {
      expect(await one.session()).toBeNull();
      away.read = true;
      await one.login(LOGIN);
      await vi.waitFor(() => expect(events).toEqual([{ type: 'login', here: false }]), ELSEWHERE);
      // What nobody has waited for is told after the turn in which it failed.
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).toEqual([]);
    } finally {
      process.off('unhandledRejection', notice);
    }
    expect(await codeOf(other.session())).toBe('storage_error');
    away.read = false;
    expect(await other.session()).toMatchObject({ user: { email: LOGIN.email } });
  });

  test('B3 does not keep a session that has ended elsewhere', async () => {
    const { away, storage } = shaky();
    const [one, other] = [pages.clientOf({ storage }), pages.clientOf({ storage })];
    await one.login(LOGIN);
    expect(await other.session()).not.toBeNull();
    const events = eventsOf(other);
    away.read = true;
    await one.logout();
    const ended = { type: 'logout', here: false, code: 'logged_out' };
    await vi.waitFor(() => expect(events).toEqual([ended]), ELSEWHERE);
    away.read = false;
    expect(await other.session()).toBeNull();
  });
});

describe('a storage that refuses to be written', () => {
  test('ends nothing, and has the tokens after the next refresh', async () => {
    const { away, kept, storage } = shaky();
    const client = pages.clientOf({ storage });
    away.write = true;
    await client.login(LOGIN);
    expect(kept.size).toBe(0);
    pages.at.advance(40);
    expect(await client.session()).not.toBeNull();
    away.write = false;
    pages.at.advance(40);
    expect(await client.session()).not.toBeNull();
    expect(await pages.clientOf({ storage }).session()).not.toBeNull();
  });

  test('does not hide that somebody has logged out', async () => {
    const { away, storage } = shaky();
    const client = pages.clientOf({ storage });
    await client.login(LOGIN);
    const events = eventsOf(client);
    away.write = true;
    await client.logout();
    expect(events).toMatchObject([{ type: 'logout', code: 'logged_out' }]);
    expect(await client.session()).toBeNull();
  });
});
