import { z } from 'zod';
import {
  DEFAULT_OVERLAP_SECONDS,
  MAX_OVERLAP_SECONDS,
  MAX_SECRET_SECONDS,
  MIN_SECRET_SECONDS,
} from '../../session/admin-clients.ts';
import type { ClientWithSecret } from '../../session/contract.ts';
import { listSchema } from '../objects/common.ts';
import { clientOf, clientSchema } from '../objects/people.ts';
import { pageFields, pageOf } from '../page.ts';
import { type Answer, type BaseCall, type Route, route } from '../route.ts';
import { nameField } from './fields.ts';

const withSecret = z.strictObject({
  client: clientSchema,
  secret: z
    .string()
    .describe('Shown this once.')
    .meta({ examples: ['scs_hQ2mZ7xW0rTn5bJ8cK1vYA.3sNq…'] }),
});

const expiresInField = z
  .int()
  .min(MIN_SECRET_SECONDS)
  .max(MAX_SECRET_SECONDS)
  .optional()
  .describe('Seconds for which the secret is good. Default: without an end.');

function made({ settings }: BaseCall, { client, secret }: ClientWithSecret): Answer {
  return {
    status: 201,
    body: { client: clientOf(client), secret },
    headers: { location: `${settings.basePath}/v1/admin/clients/${client.cid}` },
  };
}

const list = route({
  method: 'GET',
  path: '/v1/admin/clients',
  name: 'admin.clients.list',
  group: 'Service clients',
  summary: 'Service clients of the tenant',
  description: 'Newest first. Their secrets are nowhere to be read.',
  who: 'admin',
  query: z.strictObject(pageFields),
  responses: { 200: listSchema('clients', clientSchema) },
  errors: ['invalid_cursor'],
  async handle({ engine, caller, query }) {
    const { rows, nextCursor } = await pageOf(
      query,
      (page) => engine.administration.listClients(caller, page),
      (client) => ({ atMs: client.createdAtMs, id: client.cid }),
    );
    return { status: 200, body: { clients: rows.map(clientOf), next_cursor: nextCursor } };
  },
});

const create = route({
  method: 'POST',
  path: '/v1/admin/clients',
  name: 'admin.clients.create',
  group: 'Service clients',
  summary: 'Make a service client',
  description: 'It may ask about tokens of this tenant, and end their sessions, at `/oauth`.',
  who: 'admin',
  body: z.strictObject({
    name: nameField.min(1, 'must not be empty').meta({ examples: ['billing'] }),
    expires_in: expiresInField,
  }),
  responses: { 201: withSecret },
  async handle(call) {
    const { engine, caller, body } = call;
    const input = { name: body.name, expiresInSeconds: body.expires_in ?? null };
    return made(call, await engine.administration.createClient(caller, input));
  },
});

const get = route({
  method: 'GET',
  path: '/v1/admin/clients/{id}',
  name: 'admin.clients.get',
  group: 'Service clients',
  summary: 'One service client',
  who: 'admin',
  params: { id: 'client' },
  responses: { 200: z.strictObject({ client: clientSchema }) },
  errors: ['not_found'],
  async handle({ engine, caller, params }) {
    const client = await engine.administration.getClient(caller, params.id);
    return { status: 200, body: { client: clientOf(client) } };
  },
});

const addSecret = route({
  method: 'POST',
  path: '/v1/admin/clients/{id}/secrets',
  name: 'admin.clients.addSecret',
  group: 'Service clients',
  summary: 'Give a service client a new secret',
  description:
    'The secret until now goes on for `overlap` seconds, but never beyond its own end; any older one is dead at once.',
  who: 'admin',
  params: { id: 'client' },
  body: z.strictObject({
    expires_in: expiresInField,
    overlap: z
      .int()
      .min(0)
      .max(MAX_OVERLAP_SECONDS)
      .optional()
      .describe(`Seconds; 0: none. Default ${DEFAULT_OVERLAP_SECONDS}, a day.`),
  }),
  responses: { 201: withSecret },
  errors: ['not_found'],
  async handle(call) {
    const { engine, caller, params, body } = call;
    const input = {
      expiresInSeconds: body.expires_in ?? null,
      overlapSeconds: body.overlap ?? DEFAULT_OVERLAP_SECONDS,
    };
    return made(call, await engine.administration.addClientSecret(caller, params.id, input));
  },
});

const remove = route({
  method: 'DELETE',
  path: '/v1/admin/clients/{id}',
  name: 'admin.clients.delete',
  group: 'Service clients',
  summary: 'Delete a service client',
  description:
    'A node that has just seen its secret may answer it for 5 s more, or 15 s while it cannot read the record.',
  who: 'admin',
  params: { id: 'client' },
  responses: { 204: null },
  errors: ['not_found'],
  async handle({ engine, caller, params }) {
    await engine.administration.deleteClient(caller, params.id);
    return { status: 204 };
  },
});

export const adminClientRoutes: readonly Route[] = [list, create, get, addSecret, remove];
