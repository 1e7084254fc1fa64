import { type Clock, systemClock } from '../clock.ts';
import { type Log, silentLog } from '../observe/log.ts';
import type { HttpMeter } from '../observe/meter.ts';
import { createOriginPolicy, type OriginPolicy } from './origin.ts';
import { createProxyReader, type ProxyReader } from './proxy.ts';

/** What `createHttpApp` takes beside the engine. */
export interface HttpOptions {
  /** Path under which every route is mounted, such as `/auth`. Default: the root. */
  readonly basePath?: string;
  /** Origins that may use cookies, read answers and open sockets, beside the own one. Default none. */
  readonly allowedOrigins?: readonly string[];
  /** Addresses, CIDR blocks or `loopback` whose `X-Forwarded-*` and `X-Request-Id` are believed. Default none. */
  readonly trustedProxies?: readonly string[];
  /** Cookies over plain http on names other than loopback. Anybody on the way can then take sessions. Default false. */
  readonly allowHttpCookies?: boolean;
  /** Whether logout sends `Clear-Site-Data` (ASVS 14.3.1). Default: only without a `basePath`. */
  readonly clearSiteData?: boolean;
  /** Default: this machine's. */
  readonly clock?: Clock;
  /** Gets one line a request. Default: none. */
  readonly log?: Log;
  /** Counts requests and event streams. Default: nothing. */
  readonly meter?: HttpMeter;
  /** For the OpenAPI document. Default `1`, the version of the contract. */
  readonly version?: string;
}

/** Options with their defaults, and what is made of them once. */
export interface HttpSettings {
  readonly basePath: string;
  readonly mounted: boolean;
  readonly allowHttpCookies: boolean;
  readonly clearSiteData: boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: HttpMeter | null;
  readonly version: string;
  readonly allows: OriginPolicy;
  readonly readProxy: ProxyReader;
}

/** @param issuers whose hosts are this server's own, as they are at each request. */
export function settingsOf(options: HttpOptions, issuers: () => Iterable<string>): HttpSettings {
  const basePath = options.basePath?.replace(/\/+$/, '') ?? '';
  return Object.freeze({
    basePath,
    mounted: basePath !== '',
    allowHttpCookies: options.allowHttpCookies ?? false,
    clearSiteData: options.clearSiteData ?? basePath === '',
    clock: options.clock ?? systemClock,
    log: options.log ?? silentLog,
    meter: options.meter ?? null,
    version: options.version ?? '1',
    allows: createOriginPolicy(options.allowedOrigins ?? [], issuers),
    readProxy: createProxyReader(options.trustedProxies ?? []),
  });
}
