import { z } from 'zod';
import { listSchema } from '../objects/common.ts';
import { logRowOf, logRowSchema, revocationOf, revokedSchema } from '../objects/revocations.ts';
import { pageFields, pageOf } from '../page.ts';
import { type Route, route } from '../route.ts';

const list = route({
  method: 'GET',
  path: '/v1/admin/revocations',
  name: 'admin.revocations.list',
  group: 'Sessions',
  summary: 'The revocation log of the tenant',
  description:
    'Newest first, each entry with whether it is everywhere by now. Where one call made several entries, that is said of all of them here, too: every one is everywhere when the last of them is, as `GET /v1/admin/revocations/{id}` says it.',
  who: 'admin',
  query: z.strictObject(pageFields),
  responses: { 200: listSchema('revocations', logRowSchema) },
  errors: ['invalid_cursor'],
  async handle({ engine, caller, query }) {
    const { rows, nextCursor } = await pageOf(
      query,
      (page) => engine.administration.listRevocations(caller, page),
      ({ row }) => ({ atMs: row.committedAtMs, id: String(row.position) }),
    );
    return { status: 200, body: { revocations: rows.map(logRowOf), next_cursor: nextCursor } };
  },
});

const get = route({
  method: 'GET',
  path: '/v1/admin/revocations/{id}',
  name: 'admin.revocations.get',
  group: 'Sessions',
  summary: 'Whether a revocation is everywhere by now',
  description:
    'Where one call made several entries (a changed password ends sessions and supersedes a token), this is said of all of them: everywhere when the last one is. Also tells what became of a call that was answered 503 `outcome_unknown` with this id. After 404 it can never happen.',
  who: 'admin',
  params: { id: 'revocation' },
  responses: { 200: revokedSchema },
  errors: ['not_found'],
  async handle({ engine, caller, params }) {
    const revocation = await engine.administration.getRevocation(caller, params.id);
    return { status: 200, body: { revocation: revocationOf(revocation) } };
  },
});

export const adminRevocationRoutes: readonly Route[] = [list, get];
