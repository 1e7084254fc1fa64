import { createHmac, type KeyObject } from 'node:crypto';
import type { AttemptBucket } from '../../record/contract.ts';

/** 128 bit of the HMAC: names that collide would only be counted together. */
const NAME_BYTES = 16;
const NAME_PATTERN = /^[\w-]{22}$/;

/** Names of the keys under which login attempts are counted. */
export interface AttemptKeys {
  bucket(tenantKey: string, bucket: Pick<AttemptBucket, 'kind' | 'key'>): string;
  /** Lists the devices' buckets of an account by their `deviceName`. */
  devices(tenantKey: string, account: string): string;
  deviceName(bucket: Pick<AttemptBucket, 'kind' | 'key'>): string;
  /** The bucket of a listed device; null when `name` is none that this node could have written. */
  device(tenantKey: string, name: string): string | null;
}

/**
 * `<prefix>login-attempt:{<tenant>}:<kind>:<name>`. The tenant is the hash tag, so that all keys of one attempt lie in one
 * slot of a Redis Cluster. E-mail and IP addresses do not stand there: a name is an HMAC, which cannot be guessed back
 * without the deployment's secret.
 *
 * @param nameKey 256-bit key of its own purpose. Nodes with another key count apart, which costs nothing but work: the
 *   record counts exactly.
 */
export function createAttemptKeys(prefix: string, nameKey: KeyObject): AttemptKeys {
  const under = (tenantKey: string, kind: string, name: string): string =>
    `${prefix}login-attempt:{${tenantKey}}:${kind}:${name}`;
  const nameOf = (kind: string, key: string): string =>
    createHmac('sha256', nameKey)
      .update(`${kind} ${key}`, 'utf8')
      .digest()
      .subarray(0, NAME_BYTES)
      .toString('base64url');
  return {
    bucket: (tenantKey, { kind, key }) => under(tenantKey, kind, nameOf(kind, key)),
    devices: (tenantKey, account) => under(tenantKey, 'devices', nameOf('account', account)),
    deviceName: ({ kind, key }) => nameOf(kind, key),
    device: (tenantKey, name) =>
      NAME_PATTERN.test(name) ? under(tenantKey, 'device', name) : null,
  };
}

/** The account of a device's bucket, whose key is `<e-mail> <device id>`; neither contains a blank. */
export function accountOf(deviceKey: string): string {
  return deviceKey.slice(0, Math.max(0, deviceKey.lastIndexOf(' ')));
}
