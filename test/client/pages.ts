import { afterAll, afterEach, beforeAll } from 'vitest';
import {
  type Client,
  type ClientEvent,
  type ClientOptions,
  createClient,
} from '../../src/client/index.ts';
import { type Deployment, EMAIL, PASSWORD, startDeployment, TENANT } from './deployment.ts';

export const LOGIN = { tenant: TENANT, email: EMAIL, password: PASSWORD };

/** How long news of another tab may take. */
export const ELSEWHERE = { timeout: 60_000 };

/** What the tests of one file share. */
export interface Pages {
  /** The deployment, once they run. */
  readonly at: Deployment;
  /** A client of it, which is closed after the test. */
  clientOf(options?: Partial<ClientOptions>): Client;
  /** One that is logged in; what was seen of that is forgotten. */
  loggedIn(options?: Partial<ClientOptions>): Promise<Client>;
  /** How often a refresh was asked for. */
  refreshes(): number;
}

/** A deployment with access tokens of 30 s for the tests of the file that calls it. */
export function usePages(): Pages {
  let deployment: Deployment | null = null;
  const clients: Client[] = [];
  beforeAll(async () => {
    deployment = await startDeployment();
    await deployment.admin.policy({ access_ttl: 30 });
  });
  afterAll(() => deployment?.close());
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });

  const pages: Pages = {
    get at() {
      if (deployment === null) throw new Error('there is no deployment before the tests run');
      return deployment;
    },
    clientOf(options = {}) {
      const client = createClient({ baseUrl: pages.at.origin, ...options });
      clients.push(client);
      return client;
    },
    async loggedIn(options = {}) {
      const client = pages.clientOf(options);
      await client.login({ ...LOGIN, device: 'PC' });
      pages.at.seen.length = 0;
      return client;
    },
    refreshes: () => pages.at.seen.filter((one) => one === 'POST /v1/refresh').length,
  };
  return pages;
}

export function eventsOf(client: Client | undefined): ClientEvent[] {
  const events: ClientEvent[] = [];
  client?.subscribe((event) => void events.push(event));
  return events;
}
