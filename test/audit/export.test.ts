import { describe, expect, test } from 'vitest';
import { canonical } from '../../src/audit/chain.ts';
import { csvCell, exportHead, exportText, lineOf } from '../../src/audit/export.ts';
import type { ExportedRow, TrailRow } from '../../src/record/trail-contract.ts';
import { START_MS } from '../support/seed.ts';

function exported(more: Partial<TrailRow> = {}): ExportedRow {
  return {
    row: {
      ...{ tid: 't'.repeat(22), id: 'i'.repeat(22), atUs: START_MS * 1000 },
      ...{ action: 'authn_login_fail', outcome: 'failure', requestId: 'request-1' },
      ...{ actorKind: 'anonymous', actorUid: null, actorSid: null },
      ...{ subjectKind: null, subjectId: null, ip: '192.0.2.1', userAgent: 'test', detail: {} },
      ...more,
    },
    seal: null,
  };
}

describe('B14 CSV', () => {
  test.each([
    ['=1+1', '"\'=1+1"'],
    ['+1', '"\'+1"'],
    ['-1', '"\'-1"'],
    ['@SUM(A1)', '"\'@SUM(A1)"'],
    ['\tx', '"\'\tx"'],
    ['\rx', '"\'\rx"'],
    ['\nx', '"\'\nx"'],
    ['plain', 'plain'],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['line\nbreak', '"line\nbreak"'],
    [null, ''],
    [7, '7'],
  ])('ASVS 1.2.10 no cell is a formula, and none breaks out of its place: %j', (value, cell) => {
    expect(csvCell(value)).toBe(cell);
  });

  test('ASVS 1.2.10 a hostile user agent and e-mail address stay text', () => {
    const line = lineOf(
      exported({
        userAgent: '=HYPERLINK("http://evil.example","x")',
        detail: { email: '=cmd|/c calc', x: 1 },
      }),
    );
    const text = exportText('csv', [line]);
    expect(text.split('\r\n')).toHaveLength(2);
    expect(text).toContain('"\'=HYPERLINK(""http://evil.example"",""x"")"');
    // JSON begins with a brace: no spreadsheet calculates it.
    expect(text).toContain('"{""email"":""=cmd|/c calc"",""x"":1}"');
    expect(text).not.toMatch(/(^|,)"?[=+@]/m);
  });

  test('every row has as many cells as the head', () => {
    const head = exportHead('csv').trim().split(',');
    const row = exportText('csv', [lineOf(exported({ ip: null, userAgent: null }))]);
    expect(row.trim().split(',')).toHaveLength(head.length);
  });
});

describe('B14 JSON lines', () => {
  test('one line a row, whatever stands in it', () => {
    const rows = [exported({ userAgent: 'a\nb\u2028c' }), exported()];
    const lines = exportText('jsonl', rows.map(lineOf)).split('\n');
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      action: 'authn_login_fail',
      at: new Date(START_MS).toISOString(),
      user_agent: 'a\nb\u2028c',
      seal: null,
    });
    expect(exportHead('jsonl')).toBe('');
  });

  test('microseconds, which no row of ours has, are shown', () => {
    expect(lineOf(exported({ atUs: START_MS * 1000 + 7 })).at).toBe('2030-01-01T00:00:00.000007Z');
  });
});

test('B14 canonical JSON (RFC 8785): members sorted by code units, one spelling', () => {
  expect(canonical({ b: 1, a: [true, null, 'é'], '\u20ac': 2, '\ud83d\ude00': 3 })).toBe(
    '{"a":[true,null,"é"],"b":1,"€":2,"😀":3}',
  );
  expect(canonical([1e21, 0.1, -0, '\u0007'])).toBe('[1e+21,0.1,0,"\\u0007"]');
});
