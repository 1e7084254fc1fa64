import type { AuditAction, NewAuditEvent } from '../../audit/types.ts';
import { SekishoError } from '../../errors.ts';
import { ISSUER_MUST, isIssuer } from '../../public-url.ts';
import type { StoredKey } from '../../record/contract.ts';
import { ISSUER_AHEAD_MS } from '../../token/issuer.ts';
import {
  PUBLISH_AHEAD_MS,
  publishedKeysAt,
  RETIRED_KEY_MS,
  signingKeyAt,
} from '../../token/key-set.ts';
import { auditRow, OPERATOR } from '../audit.ts';
import { noSuch } from '../no-such.ts';
import { nowMs, type Services } from '../services.ts';
import {
  type IssuerSeen,
  type KeySeen,
  LEAST_AHEAD_MS,
  MOST_AHEAD_MS,
  type OperatorKeys,
} from './keys-contract.ts';

/** The signing keys, and in whose name they sign. */
export function createOperatorKeys(services: Services): OperatorKeys {
  const { keys, issuer, record } = services;

  /** Written in the transaction of what it tells. */
  function rows(
    action: AuditAction,
    kid: string,
    detail: Record<string, string | boolean>,
  ): readonly NewAuditEvent[] {
    const subject = { kind: 'signing_key', id: kid };
    return [auditRow(services, { tid: null, action, actor: OPERATOR, subject, detail })];
  }

  const madeRows = ({ kid, alg }: StoredKey) => rows('signing_key_made', kid, { alg });

  function seen(key: StoredKey): KeySeen {
    const now = nowMs(services);
    const all = keys.stored();
    // One that was retired before its time has signed nothing, though verifiers may go on seeing it in the JWK Set.
    const neverSigned = key.retiredAtMs !== null && key.retiredAtMs <= key.activeFromMs;
    const state =
      neverSigned || !publishedKeysAt(all, now).some(({ kid }) => kid === key.kid)
        ? 'gone'
        : signingKeyAt(all, now)?.kid === key.kid
          ? 'signing'
          : key.activeFromMs > now && key.retiredAtMs === null
            ? 'coming'
            : 'verifying';
    const { kid, alg, activeFromMs, retiredAtMs } = key;
    return { kid, alg, state, activeFromMs, retiredAtMs };
  }

  function found(kid: string): StoredKey {
    const key = keys.stored().find((one) => one.kid === kid);
    if (key === undefined) throw noSuch('signing key');
    return key;
  }

  function issuerSeen(): IssuerSeen {
    const { issuer: newest, activeFromMs } = issuer.newest();
    const [accepted, ending] = [[...issuer.accepted()], issuer.ending()];
    return { issuer: issuer.current(), newest, activeFromMs, accepted, ending };
  }

  return {
    async listKeys() {
      await keys.refresh();
      return keys.stored().map(seen).reverse();
    },

    async rotateKeys({ aheadMs, alg }) {
      const ahead = aheadMs ?? PUBLISH_AHEAD_MS;
      if (!(ahead >= LEAST_AHEAD_MS && ahead <= MOST_AHEAD_MS)) {
        throw wrong('/ahead_ms', `must be ${LEAST_AHEAD_MS} to ${MOST_AHEAD_MS}`);
      }
      await keys.refresh();
      return seen(await keys.make(nowMs(services) + ahead, madeRows, alg === null ? {} : { alg }));
    },

    async retireKey({ kid, withdraw }) {
      await keys.refresh();
      const now = nowMs(services);
      found(kid);
      const others = keys.stored().filter((one) => one.kid !== kid);
      // First the other one: there is no moment without a key to sign with, also until a coming one takes over.
      const made =
        signingKeyAt(others, now) === null
          ? await keys.make(now, madeRows, { beside: true })
          : null;
      const retired = rows('signing_key_retired', kid, { withdrawn: withdraw });
      await keys.retire(kid, withdraw ? now - RETIRED_KEY_MS : now, retired);
      return { key: seen(found(kid)), made: made && seen(found(made.kid)) };
    },

    async getIssuer() {
      await issuer.refresh();
      return issuerSeen();
    },

    async changeIssuer(input) {
      const next = parseIssuer(input.issuer);
      await issuer.refresh();
      const { issuer: before } = issuer.newest();
      if (next === before) {
        throw new SekishoError('conflict', `The issuer is ${next} already.`);
      }
      const now = nowMs(services);
      const alone = (await record.members.list()).length <= 1;
      const detail = { before, now: next };
      await issuer.change(next, alone ? now : now + ISSUER_AHEAD_MS, [
        auditRow(services, { tid: null, action: 'issuer_changed', actor: OPERATOR, detail }),
      ]);
      return issuerSeen();
    },
  };
}

/** By the rule of SEKISHO_ISSUER. @throws SekishoError `validation_failed` */
function parseIssuer(value: unknown): string {
  if (typeof value === 'string' && isIssuer(value)) return value;
  throw wrong('/issuer', ISSUER_MUST);
}

function wrong(pointer: string, detail: string): SekishoError {
  return new SekishoError('validation_failed', `${pointer.slice(1)} ${detail}.`, {
    errors: [{ pointer, detail }],
  });
}
