import { SekishoError } from '../../../src/errors.ts';
import { silentLog } from '../../../src/observe/log.ts';
import type { CommitRequest, LoginFacts, RecordStore } from '../../../src/record/contract.ts';
import type { Follower } from '../../../src/revocation/contract.ts';
import type { Authenticator } from '../../../src/session/authenticate.ts';
import type { Services } from '../../../src/session/services.ts';
import type { AccessFacts } from '../../../src/token/access-token.ts';
import { createKeyRing } from '../../../src/token/secrets.ts';
import { createVerifiedCache } from '../../../src/token/verified-cache.ts';
import type { SimulatedNode, Simulation } from '../simulation.ts';
import type { Code } from './code.ts';
import type { Truth } from './history.ts';
import type { Promises } from './promises.ts';

/** What argon2id takes on a machine that is not busy. */
const HASHING_MS = 50;

const RING = createKeyRing('a secret of the simulation and of no use anywhere else');
const KID = 'k';

/** An access token of this world, with what is true of it. */
export interface Token {
  readonly text: string;
  readonly facts: AccessFacts;
  readonly truth: Truth;
}

/** What a login has read and compared; the credentials that its session rests on are those it compared. */
interface Attempt {
  readonly reads: { readonly hash: string; readonly seq: number }[];
  readonly compared: Set<string>;
}

/** Everything that was ever minted, and what is true of the sessions. */
export class Mint {
  readonly tokens = new Map<string, Token>();
  readonly #world: Simulation;
  readonly #promises: Promises;
  #made = 0;

  constructor(world: Simulation, promises: Promises) {
    this.#world = world;
    this.#promises = promises;
  }

  /** Signs nothing: a token is a name that only this world can make, so a verified one is what it says. */
  sign(claims: Omit<AccessFacts, 'kid' | 'notBeforeSeconds'>, attempt: Attempt | null): string {
    const { history } = this.#world.record;
    if (attempt !== null) {
      const seqs = attempt.reads
        .filter(({ hash }) => attempt.compared.has(hash))
        .map(({ seq }) => seq);
      this.#promises.sessions.set(claims.sid, Math.max(...seqs));
    }
    this.#made += 1;
    const text = `token.${String(this.#made).padStart(8, '0')}.`;
    const roles = history.readingOf(claims.roles);
    const facts: AccessFacts = { ...claims, kid: KID, notBeforeSeconds: null };
    this.tokens.set(text, {
      text,
      facts,
      truth: {
        facts,
        credentialsSeq: this.#promises.sessions.get(claims.sid) ?? 0,
        rolesSeq: roles.seq,
        mintedAtMs: roles.atMs,
      },
    });
    return text;
  }

  verify(text: string): Promise<AccessFacts> {
    const token = this.tokens.get(text);
    return token === undefined
      ? Promise.reject(new SekishoError('invalid_token', 'No such token was minted.'))
      : Promise.resolve(token.facts);
  }
}

/** The use cases of one node. */
export interface NodeServices {
  readonly services: Services;
  readonly authenticator: Authenticator;
  /** Services for one login, which remember what it has compared. */
  attempt(): Services;
}

/** Puts the real use cases of a node together, over the simulated record and without what no rule speaks of. */
export function servicesOf(parts: {
  readonly world: Simulation;
  readonly node: SimulatedNode;
  readonly mint: Mint;
  readonly code: Code;
  readonly follower: Follower;
  /** Hears of every request before it is sent. */
  readonly onCommit: (request: CommitRequest) => void;
}): NodeServices {
  const { world, node, mint, code, follower, onCommit } = parts;
  const { clock, log, sessions, hub } = node;
  const record = {
    kind: 'postgres',
    log,
    sessions,
    audit: { append: async () => {} },
    attempts: {
      reserve: async () => ({ kind: 'reserved', remaining: 1, resetMs: 0 }),
      giveBack: async () => {},
    },
  } as unknown as RecordStore;
  const { commit } = code.createCommitter({ log, follower, clock });
  const committer = {
    commit(request: CommitRequest) {
      onCommit(request);
      return commit(request);
    },
  };
  const keysFor = (attempt: Attempt | null) => ({
    verify: (text: string) => mint.verify(text),
    sign: async (claims: Parameters<Services['keys']['sign']>[0]) => mint.sign(claims, attempt),
  });
  const services = {
    record,
    follower,
    committer,
    hub,
    clock,
    log: silentLog,
    tally: { count: () => {}, flush: async () => {}, close: async () => {} },
    activity: {
      mark: (tid: string, sid: string) => ({ tid, sid, atMs: 0, batch: 0 }),
      note: () => {},
    },
    sightings: { newest: () => 0, seen: () => {}, note: () => {} },
    keys: keysFor(null),
    ring: RING,
    passwords: {
      verify: (hash: string, password: string) => compare(hash, password),
      verifyAgainstNothing: (password: string) => compare('', password),
    },
    issuer: 'i',
    audience: 'a',
    onRevocation: () => {},
  } as unknown as Services;

  function compare(hash: string, password: string): Promise<boolean> {
    return new Promise((resolve) => {
      clock.after(HASHING_MS * (0.5 + world.random()), () => resolve(hash === hashOf(password)));
    });
  }

  return {
    services,
    authenticator: code.createAuthenticator(services, createVerifiedCache({ maxTokens: 32 })),
    attempt() {
      const attempt: Attempt = { reads: [], compared: new Set() };
      const noted = async (reading: Promise<LoginFacts>): Promise<LoginFacts> => {
        const facts = await reading;
        const { seq } = world.record.history.readingOf(facts);
        attempt.reads.push({ hash: facts.passwordHash ?? '', seq });
        return facts;
      };
      return {
        ...services,
        record: {
          ...record,
          sessions: {
            ...record.sessions,
            loginFacts: (slug, email, nowMs) => noted(sessions.loginFacts(slug, email, nowMs)),
          },
        },
        keys: { ...services.keys, ...keysFor(attempt) },
        passwords: {
          ...services.passwords,
          verify: (hash, password) => {
            attempt.compared.add(hash);
            return compare(hash, password);
          },
        },
      };
    },
  };
}

/** Well-formed, of the present cost, so that no login renews it. */
export function hashOf(password: string): string {
  return `$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$${password}`;
}
