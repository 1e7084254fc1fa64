import { isId, newId } from '../id.ts';
import { fromBase64url, mac, macMatches } from './mac.ts';
import type { KeyRing } from './secrets.ts';

/** How long a device stays known after its last login, seconds: 180 days. */
export const DEVICE_TOKEN_SECONDS = 180 * 86_400;

/** A node's clock may be a little behind that of the node which issued the token. */
const MAX_AHEAD_SECONDS = 60;

/**
 * Makes a known-device token: `<device id>.<seconds since 1970>.<HMAC>`. It proves nothing but that somebody logged in to
 * this account with it before, and gives that device an allowance of login attempts of its own, so that a guesser
 * elsewhere cannot keep the owner out (ASVS 6.3.1). Nothing is stored.
 *
 * @param email in its normal form (tenant/email.ts).
 * @param deviceId of the token that came with the login, so that the device keeps its id; otherwise a new one.
 */
export function makeDeviceToken(
  ring: KeyRing,
  account: { readonly tid: string; readonly email: string },
  nowMs: number,
  deviceId: string = newId(),
): string {
  const issued = String(Math.floor(nowMs / 1000));
  const tag = mac(ring.newest, 'device-token', message(account, deviceId, issued));
  return `${deviceId}.${issued}.${tag.toString('base64url')}`;
}

/** The device id in a token that was made for this account within 180 days; null otherwise. */
export function readDeviceToken(
  ring: KeyRing,
  account: { readonly tid: string; readonly email: string },
  token: unknown,
  nowMs: number,
): string | null {
  if (typeof token !== 'string' || token.length > 100) {
    return null;
  }
  const [deviceId, issued = '', tag = '', ...rest] = token.split('.');
  const presented = fromBase64url(tag);
  if (!isId(deviceId) || !/^\d{1,12}$/.test(issued) || presented === null || rest.length > 0) {
    return null;
  }
  if (!macMatches(ring, 'device-token', message(account, deviceId, issued), presented)) {
    return null;
  }
  const ageSeconds = nowMs / 1000 - Number(issued);
  return ageSeconds < -MAX_AHEAD_SECONDS || ageSeconds >= DEVICE_TOKEN_SECONDS ? null : deviceId;
}

/** JSON, so that no two accounts give the same text. */
function message(
  account: { readonly tid: string; readonly email: string },
  deviceId: string,
  issued: string,
): string {
  return JSON.stringify([account.tid, account.email, deviceId, issued]);
}
