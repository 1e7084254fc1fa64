/** Where a request stands in its caller's trace (W3C Trace Context). */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** The caller's span: 16 hexadecimal digits. */
  readonly parentId: string;
}

/** Version, trace, parent, flags; a version to come may have more behind them (section 3.2.4). */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;

/**
 * Reads `traceparent` (W3C Trace Context section 3.2). Whoever calls may write it: it joins log lines of several programs,
 * and is never taken for who is asking. The id of the request in answers and audit rows stays our own.
 *
 * @returns null when the field is missing or not well-formed; then the trace is not taken over (section 4.3).
 */
export function traceContextOf(headers: Headers): TraceContext | null {
  const given = headers.get('traceparent')?.trim() ?? '';
  const [, version, traceId, parentId, more] = TRACEPARENT.exec(given) ?? [];
  if (version === undefined || traceId === undefined || parentId === undefined) return null;
  const valid = version !== 'ff' && (version !== '00' || more === undefined);
  const real = !/^0+$/.test(traceId) && !/^0+$/.test(parentId);
  return valid && real ? Object.freeze({ traceId, parentId }) : null;
}
