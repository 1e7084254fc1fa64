import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { traceContextOf } from '../../src/http/trace-context.ts';
import { createLogger } from '../../src/observe/logger.ts';
import { startTestApp, type TestApp } from '../support/http.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const GIVEN = `00-${TRACE}-${SPAN}-01`;

const read = (traceparent: string) => traceContextOf(new Headers({ traceparent }));

describe('W3C Trace Context', () => {
  test.each([
    GIVEN,
    ` ${GIVEN} `,
    `00-${TRACE}-${SPAN}-00`,
    `cc-${TRACE}-${SPAN}-01`,
    `cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`,
  ])('%j is taken over', (given) => {
    expect(read(given)).toEqual({ traceId: TRACE, parentId: SPAN });
  });

  test.each([
    '',
    `${GIVEN}-more`,
    `${GIVEN}.more`,
    `ff-${TRACE}-${SPAN}-01`,
    `cc-${TRACE}-${SPAN}-01.more`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.slice(1)}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}`,
    `${GIVEN}, ${GIVEN}`,
    `00-${TRACE}-${SPAN}-zz`,
    '00-x"\\u000a-y-z',
  ])('%j is not well-formed and not taken over', (given) => {
    expect(read(given)).toBeNull();
  });
});

describe('W3C Trace Context in the log', () => {
  const lines: Record<string, unknown>[] = [];
  let http: TestApp;
  beforeAll(async () => {
    const log = createLogger('info', (line) => lines.push(JSON.parse(line)));
    http = await startTestApp({ log });
  });
  afterAll(() => http.close());

  test('W3C Trace Context a request’s line carries the trace of its caller; the id in the answer stays our own', async () => {
    const { headers } = await http.send('GET', '/v1/session', { headers: { traceparent: GIVEN } });
    const own = headers.get('x-request-id');
    expect(lines.at(-1)).toMatchObject({
      ...{ msg: 'request', route: '/v1/session', status: 401 },
      ...{ request_id: own, trace_id: TRACE, parent_span_id: SPAN },
    });
    expect(own).not.toContain(TRACE);
    await http.send('GET', '/v1/session', { headers: { traceparent: 'odd' } });
    await http.send('GET', '/v1/session');
    for (const line of lines.slice(-2)) expect(line).not.toHaveProperty('trace_id');
  });
});
