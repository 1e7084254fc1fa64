import { BOOTSTRAP } from './process.ts';
import type { Dice } from './simulation/random.ts';

/** What became of something that was asked of a server. `unknown`: it died before it answered. */
type Known = 'no' | 'yes' | 'unknown';

/** One login, as its owner knows it. */
export interface Device {
  readonly email: string;
  readonly sid: string;
  access: string;
  /** Every refresh token that was acknowledged, oldest first. */
  readonly refreshTokens: string[];
  /** A refresh was under way when the server died. */
  refreshing: boolean;
  revoked: Known;
}

/** Wrong passwords of one account. */
export interface Guessed {
  readonly email: string;
  readonly acknowledged: number;
  /** Guesses whose answers never came. */
  readonly unknown: number;
  /** When the last answer came, wall milliseconds. */
  readonly lastMs: number;
}

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely by tests
  readonly body: any;
}

const PASSWORD = 'quiet harbor evening';
/** What the policy of these tests allows one account: no guess of the load goes beyond it, however fast the machine. */
export const ACCOUNT_ATTEMPTS = 100;
/** Far more than any answer takes on a busy machine. */
const ANSWER_MS = 60_000;

/** Calls a route. @throws when no whole answer came. */
export async function ask(
  origin: string,
  method: string,
  path: string,
  sent: { readonly token?: string; readonly json?: unknown } = {},
): Promise<Answer> {
  const headers: Record<string, string> = { connection: 'close' };
  if (sent.token !== undefined) headers.authorization = `Bearer ${sent.token}`;
  if (sent.json !== undefined) headers['content-type'] = 'application/json';
  const response = await fetch(origin + path, {
    method,
    headers,
    signal: AbortSignal.timeout(ANSWER_MS),
    ...(sent.json === undefined ? {} : { body: JSON.stringify(sent.json) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

/** The administrator's access token. */
export async function administrator(origin: string): Promise<string> {
  const { status, body } = await ask(origin, 'POST', '/v1/login', {
    json: {
      tenant: BOOTSTRAP.SEKISHO_BOOTSTRAP_TENANT,
      email: BOOTSTRAP.SEKISHO_BOOTSTRAP_EMAIL,
      password: BOOTSTRAP.SEKISHO_BOOTSTRAP_PASSWORD,
    },
  });
  if (status !== 200) throw new Error(`the administrator is refused: ${JSON.stringify(body)}`);
  return body.access_token;
}

/** Changes some of the policy. */
export async function setPolicy(
  origin: string,
  admin: string,
  change: Readonly<Record<string, unknown>>,
  limits: Readonly<Record<string, number>>,
): Promise<void> {
  const { policy } = (await ask(origin, 'GET', '/v1/admin/policy', { token: admin })).body;
  const json = { ...policy, ...change, login_limit: { ...policy.login_limit, ...limits } };
  const { status, body } = await ask(origin, 'PUT', '/v1/admin/policy', { token: admin, json });
  if (status !== 200) throw new Error(`the policy is refused: ${JSON.stringify(body)}`);
}

/** Users that the load logs in as; one that is guessed at comes with each round. */
export async function makeUsers(
  origin: string,
  admin: string,
  emails: readonly string[],
): Promise<void> {
  for (const email of emails) {
    const json = { email, password: PASSWORD };
    const { status } = await ask(origin, 'POST', '/v1/admin/users', { token: admin, json });
    if (status !== 201) throw new Error(`${email} is refused with ${status}`);
  }
}

/** People at work until the server dies under them. */
export class KillLoad {
  readonly #origin: string;
  readonly #admin: string;
  readonly #dice: Dice;
  readonly devices: Device[] = [];
  /** Answers so far. */
  answers = 0;
  readonly #guessed = { begun: 0, acknowledged: 0, unknown: 0, lastMs: 0 };
  #stopped = false;

  constructor(origin: string, admin: string, dice: Dice) {
    this.#origin = origin;
    this.#admin = admin;
    this.#dice = dice;
  }

  /** Resolves when nobody goes on any more: `stop` was called, or the server is gone. Rejects with a wrong answer. */
  async run(emails: readonly string[], victim: string): Promise<void> {
    await Promise.all([
      ...emails.map((email) => this.#person(email)),
      ...[1, 2].map(() => this.#guesser(victim)),
    ]);
  }

  stop(): void {
    this.#stopped = true;
  }

  guessed(email: string): Guessed {
    const { acknowledged, unknown, lastMs } = this.#guessed;
    return { email, acknowledged, unknown, lastMs };
  }

  /** @returns null when the server died meanwhile. */
  async #ask(...args: Parameters<typeof ask> extends [string, ...infer Rest] ? Rest : never) {
    try {
      const answer = await ask(this.#origin, ...args);
      this.answers += 1;
      return answer;
    } catch {
      this.#stopped = true;
      return null;
    }
  }

  async #person(email: string): Promise<void> {
    while (!this.#stopped) {
      const device = await this.#login(email);
      for (let left = this.#dice.int(1, 6); device !== null && left > 0; left -= 1) {
        if (!this.#stopped) await this.#refresh(device);
      }
      if (device === null || this.#stopped) continue;
      if (this.#dice.chance(0.6)) await this.#revoke(device);
    }
  }

  async #login(email: string): Promise<Device | null> {
    const json = { tenant: BOOTSTRAP.SEKISHO_BOOTSTRAP_TENANT, email, password: PASSWORD };
    const answer = await this.#ask('POST', '/v1/login', { json });
    if (answer === null || mayBusy(answer)) return null;
    demand(answer, 200, 'a login');
    const device: Device = {
      email,
      sid: answer.body.session.id,
      access: answer.body.access_token,
      refreshTokens: [answer.body.refresh_token],
      refreshing: false,
      revoked: 'no',
    };
    this.devices.push(device);
    return device;
  }

  async #refresh(device: Device): Promise<void> {
    device.refreshing = true;
    const json = { refresh_token: device.refreshTokens.at(-1) };
    const answer = await this.#ask('POST', '/v1/refresh', { json });
    if (answer === null || mayBusy(answer)) return;
    demand(answer, 200, 'a refresh');
    device.refreshing = false;
    device.refreshTokens.push(answer.body.refresh_token);
    device.access = answer.body.access_token;
  }

  async #revoke(device: Device): Promise<void> {
    device.revoked = 'unknown';
    const own = this.#dice.chance(0.5);
    const answer = own
      ? await this.#ask('POST', '/v1/logout', { token: device.access })
      : await this.#ask('POST', `/v1/admin/sessions/${device.sid}/revoke`, {
          token: this.#admin,
          json: {},
        });
    if (answer === null || mayBusy(answer)) return;
    if (answer.status !== 200 && answer.status !== 202) demand(answer, 204, 'a revocation');
    device.revoked = 'yes';
  }

  async #guesser(email: string): Promise<void> {
    while (!this.#stopped && this.#guessed.begun < ACCOUNT_ATTEMPTS) {
      this.#guessed.begun += 1;
      const json = { tenant: BOOTSTRAP.SEKISHO_BOOTSTRAP_TENANT, email, password: 'a wrong one' };
      const answer = await this.#ask('POST', '/v1/login', { json });
      if (answer === null || mayBusy(answer)) {
        this.#guessed.unknown += 1;
        continue;
      }
      demand(answer, 401, 'a wrong password');
      this.#guessed.acknowledged += 1;
      this.#guessed.lastMs = Date.now();
    }
  }
}

/** On a machine that is too busy an answer may be 503; whether anything was done is unknown then. */
function mayBusy({ status }: Answer): boolean {
  return status === 503;
}

export function demand({ status, body }: Answer, wanted: number, what: string): void {
  if (status === wanted) return;
  throw new Error(`${what}: ${status} instead of ${wanted}, ${JSON.stringify(body)}`);
}
