import { setTimeout as sleep } from 'node:timers/promises';
import { CHECK_EVERY_MS, PASSWORD, quantiles } from './shared.mjs';

const REFRESH_EVERY_MS = 200;
/** Then it logs in anew: 300 a minute, which is what it does, are the most that one session may (429, A7). */
const REFRESHES = 200;

/** A client that asks for as long as nobody stops it, and keeps the times of the phase that it is in. */
export async function startClient(origin) {
  const body = { tenant: 'bench', email: 'admin@bench.example', password: PASSWORD };
  const login = async () => (await post(`${origin}/v1/login`, body)).body;
  let checks = [];
  let refreshes = [];
  /** @type {string[]} what each was, and when */
  let failures = [];
  let beganMs = performance.now();
  const fail = (what, error) => {
    const why = error instanceof Error ? (error.cause ?? error).message : error;
    failures.push(`${what} after ${((performance.now() - beganMs) / 1000).toFixed(1)} s: ${why}`);
  };
  let running = true;
  let { access_token: token } = await login();
  let { refresh_token: refreshToken } = await login();
  let refreshesLeft = REFRESHES;
  const loop = async (what, everyMs, once) => {
    let dueMs = performance.now();
    while (running) {
      await once().catch((error) => fail(what, error));
      dueMs = Math.max(dueMs + everyMs, performance.now());
      await sleep(Math.max(0, dueMs - performance.now()));
    }
  };
  const work = [
    loop('/v1/authenticate', CHECK_EVERY_MS, async () => {
      const fromMs = performance.now();
      const answer = await fetch(`${origin}/v1/authenticate`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const said = await answer.text();
      checks.push(performance.now() - fromMs);
      if (answer.status !== 200) fail('/v1/authenticate', `${answer.status} ${said}`);
    }),
    loop('/v1/refresh', REFRESH_EVERY_MS, async () => {
      refreshesLeft -= 1;
      if (refreshesLeft < 0) {
        ({ refresh_token: refreshToken } = await login());
        refreshesLeft = REFRESHES;
      }
      const fromMs = performance.now();
      const { status, body: pair } = await post(`${origin}/v1/refresh`, {
        refresh_token: refreshToken,
      });
      refreshes.push(performance.now() - fromMs);
      if (status !== 200) throw new Error(`${status} ${JSON.stringify(pair)}`);
      refreshToken = pair.refresh_token;
      token = pair.access_token;
    }),
  ];
  return {
    begin() {
      [checks, refreshes, failures, beganMs] = [[], [], [], performance.now()];
    },
    end: () => ({ http: quantiles(checks), refresh: quantiles(refreshes), failures }),
    async stop() {
      running = false;
      await Promise.all(work);
    },
  };
}

async function post(url, body) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}
