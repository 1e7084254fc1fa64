import { isSekishoError } from '../../../src/errors.ts';
import type { Session } from '../../../src/session/contract.ts';
import type { SimulatedNode, Simulation } from '../simulation.ts';
import type { Code } from './code.ts';
import type { Truth } from './history.ts';
import { BrokenPromise, type Promises } from './promises.ts';
import { hashOf, type Mint, type NodeServices, type Token } from './services.ts';

/** Identifiers of 22 characters, and slugs. */
export const TENANTS = ['tenant-a00000000000000', 'tenant-b00000000000000'] as const;

/** Somebody with a password, which they know; it may have been changed since. */
export interface Person {
  readonly tid: string;
  readonly uid: string;
  readonly email: string;
  password: string;
}

/** A device of somebody, logged in. */
export interface Client {
  readonly person: Person;
  readonly sid: string;
  readonly openedMs: number;
  /** When it last got an answer of the record. */
  answeredMs: number;
  token: Token;
  refreshToken: string;
  refreshingAt: SimulatedNode | null;
}

const ORIGIN = Object.freeze({ requestId: 'r', ip: null, userAgent: null });
const MAX_CLIENTS = 8;
/** By how much the clocks of this world are ever apart, and more. */
const MOST_APART_MS = 60_000;

/** People who log in, ask, and refresh, as clients do: what was not answered is asked again with the same token. */
export class People {
  readonly persons: Person[] = [];
  readonly clients: Client[] = [];
  logins = 0;
  readonly #world: Simulation;
  readonly #mint: Mint;
  readonly #promises: Promises;
  readonly #code: Code;

  constructor(world: Simulation, mint: Mint, promises: Promises, code: Code) {
    this.#world = world;
    this.#mint = mint;
    this.#promises = promises;
    this.#code = code;
    for (const [index, roles] of [['admin'], ['member'], ['admin'], ['member']].entries()) {
      const tid = TENANTS[index < 2 ? 0 : 1] as string;
      const uid = `u${index}`;
      const person = { tid, uid, email: `${uid}@example.com`, password: `${uid}-0` };
      this.persons.push(person);
      world.record.primary.state.users.set(`${tid} ${uid}`, {
        tid,
        uid,
        email: person.email,
        roles,
        status: 'active',
        passwordHash: hashOf(person.password),
        version: 1,
      });
    }
  }

  async logIn(node: SimulatedNode, services: NodeServices, person: Person): Promise<void> {
    const { tid, email, password } = person;
    const input = { tenant: tid, email, password, device: null, deviceToken: null };
    const pair = await this.#code.login(services.attempt(), input, ORIGIN).catch(expected);
    const token = pair === null ? undefined : this.#mint.tokens.get(pair.accessToken);
    if (!pair || token === undefined || node.killed) return;
    this.logins += 1;
    this.#promises.opened(node, token.truth);
    const { nowMs } = this.#world;
    this.clients.push({
      person,
      sid: pair.session.sid,
      openedMs: nowMs,
      answeredMs: nowMs,
      token,
      refreshToken: pair.refreshToken,
      refreshingAt: null,
    });
    if (this.clients.length > MAX_CLIENTS) this.clients.shift();
  }

  /** @returns whether tokens came. */
  async refresh(node: SimulatedNode, services: NodeServices, client: Client): Promise<boolean> {
    if (client.refreshingAt !== null && !client.refreshingAt.killed) return false;
    client.refreshingAt = node;
    const startedMs = this.#world.nowMs;
    try {
      const pair = await this.#code.refresh(services.services, client.refreshToken, ORIGIN);
      const token = this.#mint.tokens.get(pair.accessToken);
      if (token === undefined || node.killed) return false;
      this.#promises.refreshed(node, this.#truthOf(client), startedMs);
      client.token = token;
      client.refreshToken = pair.refreshToken;
      client.answeredMs = this.#world.nowMs;
      return true;
    } catch (error) {
      this.#refreshRefused(node, client, error);
      return false;
    } finally {
      client.refreshingAt = null;
    }
  }

  #refreshRefused(node: SimulatedNode, client: Client, error: unknown): void {
    if (!isSekishoError(error)) throw error;
    if (error.status === 503) return;
    if (error.status !== 401) throw error;
    this.clients.splice(this.clients.indexOf(client), 1);
    const truth = this.#truthOf(client);
    if (error.code === 'session_revoked') {
      this.#promises.calledRevoked(node, truth, 'a refresh');
    } else if (!this.#promises.mayBeLost(client.openedMs, client.answeredMs)) {
      // Its row was lost, or it is a refusal of a good token.
      throw new BrokenPromise('No false refusal', `a refresh at ${node.name}: ${error.code}`);
    }
  }

  /** A session's own truth: what its credentials rest on, whatever roles its tokens carry. */
  #truthOf({ token }: Client): Truth {
    return token.truth;
  }

  async request(
    node: SimulatedNode,
    services: NodeServices,
    token: Token,
    fresh: boolean,
  ): Promise<void> {
    const startedMs = this.#world.nowMs;
    let session: Session;
    try {
      session = await services.authenticator.authenticate(token.text, { fresh });
    } catch (error) {
      this.#requestRefused(node, token, error);
      return;
    }
    if (node.killed) return;
    this.#promises.accepted({
      how: 'a request',
      node,
      truth: token.truth,
      startedMs,
      freshness: session.freshness,
      exact: fresh,
    });
  }

  #requestRefused(node: SimulatedNode, { facts, truth }: Token, error: unknown): void {
    if (!isSekishoError(error)) throw error;
    if (error.code === 'session_revoked') {
      this.#promises.calledRevoked(node, truth, 'a request');
    } else if (error.code === 'token_superseded') {
      this.#promises.calledSuperseded(node, truth, 'a request');
    } else if (error.code === 'token_expired') {
      // WALL TIME: clocks of nodes and of servers differ, by far less than a token lives.
      if (this.#world.nowMs < facts.expiresAtSeconds * 1000 - MOST_APART_MS)
        throw new BrokenPromise('No false refusal', `a request at ${node.name}: ${error.code}`);
    } else if (error.status !== 503) throw error;
  }
}

/** Whatever says what is the matter is an answer; anything else is a defect. */
export function expected(error: unknown): null {
  if (isSekishoError(error) && error.code !== 'internal') return null;
  throw error;
}
