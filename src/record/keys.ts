import { call } from './call.ts';
import type { KeyStore } from './contract.ts';
import type { Database } from './database.ts';
import { asSystem, build } from './reads.ts';
import { storableJson } from './text.ts';

/** Signing keys and settings in the record; private keys are sealed before they come here. */
export function createKeyStore(database: Database): KeyStore {
  return {
    async list() {
      const query = build
        .selectFrom('signing_key as k')
        .selectAll('k')
        .orderBy('k.active_from')
        .orderBy('k.kid');
      const rows = await asSystem(database, query);
      return rows.map((row) => ({
        kid: row.kid,
        purpose: row.purpose,
        alg: row.alg,
        publicJwk: row.public_jwk,
        privateSealed: row.private_sealed,
        activeFromMs: row.active_from.getTime(),
        retiredAtMs: row.retired_at?.getTime() ?? null,
      }));
    },

    async add(key, unlessActiveSinceMs, audit = []) {
      return await call<boolean>(database, 'make_key', [
        key.kid,
        key.purpose,
        key.alg,
        key.publicJwk,
        key.privateSealed,
        Math.floor(key.activeFromMs),
        key.retiredAtMs === null ? null : Math.floor(key.retiredAtMs),
        Math.floor(unlessActiveSinceMs),
        storableJson(audit),
      ]);
    },

    async retire(kid, atMs, audit = []) {
      await call<void>(database, 'end_key', [kid, Math.floor(atMs), storableJson(audit)]);
    },

    async setting(name, value) {
      return await call<string>(database, 'keep_setting', [name, value]);
    },

    async issuerSchedule() {
      const query = build
        .selectFrom('setting as s')
        .select('s.value')
        .where('s.name', '=', 'issuer_schedule');
      return (await asSystem(database, query))[0]?.value ?? null;
    },

    async changeIssuer(expected, schedule, newest, audit) {
      return await call<boolean>(database, 'change_issuer', [
        ...[expected, schedule, newest],
        storableJson(audit),
      ]);
    },

    async replaceSetting(name, expected, value) {
      return await call<string>(database, 'replace_setting', [name, expected, value]);
    },
  };
}
