import type { TokenPair } from '../../src/session/contract.ts';
import type { Received, Send, Sent } from './http.ts';

/** A service client as it is configured: id and secret. */
export interface TestClient {
  readonly id: string;
  readonly secret: string;
}

/** A service client of the administrator's tenant, made over HTTP. */
export async function makeClient(
  send: Send,
  by: Pick<TokenPair, 'accessToken'>,
  more = {},
): Promise<TestClient> {
  const json = { name: 'billing', ...more };
  const { body } = await send('POST', '/v1/admin/clients', { token: by.accessToken, json });
  return { id: body.client.id, secret: body.secret };
}

/** `Authorization: Basic` of a client (RFC 6749 section 2.3.1). */
export function basic({ id, secret }: TestClient): Record<string, string> {
  const joined = `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`;
  return { authorization: `Basic ${Buffer.from(joined).toString('base64')}` };
}

/** Asks one of the two OAuth endpoints about a token, as the client. */
export function ask(
  send: Send,
  path: '/oauth/introspect' | '/oauth/revoke',
  client: TestClient,
  token: string,
  more: Readonly<Record<string, string>> = {},
  sent: Sent = {},
): Promise<Received> {
  return send('POST', path, {
    ...sent,
    headers: { ...basic(client), ...sent.headers },
    form: { token, ...more },
  });
}
