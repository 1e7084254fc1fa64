import { describe, expect, test } from 'vitest';
import { compareVersions } from '../../src/record/release.ts';
import { judgeMigration } from '../../tools/migrations/judge.mjs';
import { statementsOf } from '../../tools/migrations/statements.mjs';

const judge = (text: string, runsBeside = '0.1.0') =>
  judgeMigration({ name: '0009_next.sql', text }, runsBeside, compareVersions);

describe('the check of migrations', () => {
  test('B4 lets through what only adds', () => {
    const text = `
      -- A comment; with a semicolon.
      create table sekisho.client (tid text not null, id text not null, primary key (tid, id));
      create index client_by_age on sekisho.client (tid);
      alter table sekisho.client enable row level security;
      revoke select on sekisho.client from sekisho_tenant;
      alter table sekisho.tenant add column colour text, add column size int not null default 3;
      alter table sekisho.tenant alter column name drop not null;
      do $$ declare name text; begin
        foreach name in array array['client'] loop
          execute format('alter table sekisho.%I force row level security', name);
        end loop;
      end $$;
      grant select on sekisho.client to sekisho_system;
      insert into sekisho.setting values ('a', 'drop; table');`;
    expect(judge(text)).toEqual([]);
  });

  test.each([
    ['alter table sekisho.tenant drop column name', 'drops'],
    ['ALTER TABLE sekisho.tenant\n  DROP COLUMN name', 'drops'],
    ['drop table if exists sekisho.tenant', 'drops'],
    ['drop index sekisho.audit_by_time', 'drops'],
    ['alter table sekisho.tenant alter column name drop default', 'drops'],
    ['alter table sekisho.tenant rename column name to title', 'renames'],
    ['alter table sekisho.tenant rename to company', 'renames'],
    ['alter table sekisho.tenant alter column name type varchar(9)', 'type'],
    ['alter table sekisho.tenant alter name set data type varchar(9)', 'type'],
    ['alter table sekisho.tenant alter column name set not null', 'null'],
    ['alter table sekisho.tenant add column colour text not null', 'must be given'],
    [
      'alter table sekisho.tenant add column a numeric(3, 1) default 1, add b int not null',
      'must be given',
    ],
    ["alter table sekisho.tenant add constraint c check (name <> '')", 'rule'],
    ['create unique index one on sekisho.tenant (name)', 'rule'],
    ['delete from sekisho.audit', 'rows'],
    ['truncate sekisho.audit', 'rows'],
    ['revoke select on sekisho.audit from sekisho_tenant', 'right'],
    ['alter table sekisho.head enable row level security', 'hides'],
    ["do $$ begin execute 'alter table sekisho.tenant drop column name'; end $$", 'drops'],
    ['create index one on sekisho.audit (tid)', 'keeps writers out'],
    ["update sekisho.tenant set name = 'x'", 'rewrites'],
  ])('B4 refuses %s', (statement, what) => {
    const wrong = judge(`create table sekisho.other (a int);\n${statement};`);
    expect(wrong).toHaveLength(1);
    expect(wrong[0]).toContain('0009_next.sql:2');
    expect(wrong[0]).toContain(what);
  });

  test('B4 what is taken away is marked, and passes once nobody needs it', () => {
    const text = `
      create table sekisho.other (a int);

      -- The colour went to another table.
      -- contract of 0.3.0: nodes read tenant_colour since then
      alter table sekisho.tenant drop column colour;`;
    expect(judge(text, '0.2.0')).toEqual([expect.stringContaining('0.2.0 may still run')]);
    expect(judge(text, '0.3.0')).toEqual([]);
    expect(judge(text, '0.4.1')).toEqual([]);
    expect(judge(text.replace(/: nodes.*/, ''), '0.3.0')).toHaveLength(1);
    const apart = text.replace('alter', '\n\n alter');
    expect(judge(apart, '0.3.0')).toHaveLength(1);
    const wider = 'alter table sekisho.tenant add constraint c check (a in (1, 2, 3));';
    expect(judge(wider)).toHaveLength(1);
    expect(judge(`-- older nodes: they write 1 and 2, as before\n${wider}`)).toEqual([]);
    const brief = '-- locks briefly: some rows\ncreate index one on sekisho.signing_key (alg);';
    expect(judge(brief)).toEqual([]);
  });

  test('statements are told apart by what ends them', () => {
    const text = 'select \';\', $a$ ; $$ ; $a$ -- ; \n, 1; /* ; */ select "a;b"';
    expect(statementsOf(text).map((one) => one.text)).toEqual([
      "select ';', $a$ ; $$ ; $a$ , 1",
      'select "a;b"',
    ]);
  });
});
