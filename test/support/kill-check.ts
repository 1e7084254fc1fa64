import {
  ACCOUNT_ATTEMPTS,
  ask,
  type Device,
  demand,
  type Guessed,
  setPolicy,
} from './kill-load.ts';
import type { Dice } from './simulation/random.ts';

/** Above it an account's attempts are refused for longer than a restart takes, so that they are listed with their number. */
const TELLING = 6;

/** What was looked at after a restart. */
export interface Checked {
  alive: number;
  revoked: number;
  stolen: number;
  attempts: number;
}

/**
 * Holds a server that was started again against everything that its predecessor acknowledged. Devices that are found alive are
 * refreshed, so they stay known; some are robbed, and are revoked then.
 *
 * @throws Error with what is wrong.
 */
export async function checkDevices(
  origin: string,
  admin: string,
  devices: readonly Device[],
  dice: Dice,
  checked: Checked,
): Promise<void> {
  for (const device of devices) {
    // Whether it was done is anybody's guess: done again, it is known.
    if (device.revoked === 'unknown') await revokeNow(origin, admin, device);
    if (device.revoked === 'yes') await checkDead(origin, device, checked);
    else await checkAlive(origin, device, dice, checked);
  }
}

async function revokeNow(origin: string, admin: string, device: Device): Promise<void> {
  const path = `/v1/admin/sessions/${device.sid}/revoke`;
  const answer = await ask(origin, 'POST', path, { token: admin, json: {} });
  // 404: it had ended, and is not there to be revoked once more.
  if (![200, 202, 404].includes(answer.status)) demand(answer, 200, 'revoking again');
  device.revoked = 'yes';
}

async function checkDead(origin: string, device: Device, checked: Checked): Promise<void> {
  const what = `session ${device.sid}, which was revoked`;
  demand(await ask(origin, 'GET', '/v1/session', { token: device.access }), 401, what);
  const json = { refresh_token: device.refreshTokens.at(-1) };
  demand(await ask(origin, 'POST', '/v1/refresh', { json }), 401, `refreshing ${what}`);
  checked.revoked += 1;
}

async function checkAlive(
  origin: string,
  device: Device,
  dice: Dice,
  checked: Checked,
): Promise<void> {
  const what = `session ${device.sid}, which was acknowledged`;
  demand(await ask(origin, 'GET', '/v1/session', { token: device.access }), 200, what);
  const known = device.refreshTokens.at(-1);
  const refreshed = await ask(origin, 'POST', '/v1/refresh', { json: { refresh_token: known } });
  demand(refreshed, 200, `refreshing ${what}${device.refreshing ? ', once more' : ''}`);
  device.refreshing = false;
  device.refreshTokens.push(refreshed.body.refresh_token);
  device.access = refreshed.body.access_token;
  checked.alive += 1;
  // Used twice over: every rotation since must be known, or it would be taken for the live one.
  const used = device.refreshTokens.at(-3);
  if (used === undefined || !dice.chance(0.4)) return;
  const theft = await ask(origin, 'POST', '/v1/refresh', { json: { refresh_token: used } });
  demand(theft, 401, `a used token of ${what}`);
  device.revoked = 'yes';
  await checkDead(origin, device, checked);
  checked.stolen += 1;
}

/** The number of wrong passwords that the record knows of is the one that was acknowledged, and what may have been in between. */
export async function checkAttempts(
  origin: string,
  admin: string,
  guessed: Guessed,
  checked: Checked,
): Promise<void> {
  const { email, acknowledged, unknown, lastMs } = guessed;
  if (acknowledged <= TELLING) return;
  await setPolicy(origin, admin, {}, { account_attempts: 1, max_wait: 3600 });
  const { body } = await ask(origin, 'GET', '/v1/admin/login-attempts', { token: admin });
  await setPolicy(origin, admin, {}, { account_attempts: ACCOUNT_ATTEMPTS });
  const listed = (body.login_attempts as { email: string; attempts: number }[]).find(
    (one) => one.email === email,
  );
  const waitedMs = Date.now() - lastMs;
  if (listed === undefined && waitedMs > 1000 * 2 ** (acknowledged - 1)) return;
  const found = listed?.attempts ?? 0;
  if (found < acknowledged || found > acknowledged + unknown) {
    throw new Error(
      `${found} attempts of ${email} are known, ${acknowledged} to ${acknowledged + unknown} were made`,
    );
  }
  checked.attempts += 1;
}
