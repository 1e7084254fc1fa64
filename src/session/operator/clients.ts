import { SekishoError } from '../../errors.ts';
import {
  addClientSecret,
  type ClientAuthor,
  createClient,
  DEFAULT_OVERLAP_SECONDS,
  deleteClient,
} from '../admin-clients.ts';
import { auditRow, OPERATOR } from '../audit.ts';
import type { Services } from '../services.ts';
import { ACTOR } from './actor.ts';
import type { OperatorClients } from './contract.ts';

/** Service clients of any tenant, named by its slug. */
export function createOperatorClients(services: Services): OperatorClients {
  const { tenants, clients } = services.record;

  async function tidOf(slug: string): Promise<string> {
    const tenant = await tenants.bySlug(slug);
    if (tenant === null) throw new SekishoError('not_found', `There is no tenant ${slug}.`);
    return tenant.tid;
  }

  async function author(slug: string): Promise<ClientAuthor> {
    const tid = await tidOf(slug);
    return {
      tid,
      actor: ACTOR,
      audit: (input) => auditRow(services, { ...input, tid, actor: OPERATOR }),
    };
  }

  return {
    async createClient({ tenant, name, expiresInSeconds }) {
      return createClient(services, await author(tenant), { name, expiresInSeconds });
    },
    async addClientSecret({ tenant, id, expiresInSeconds, overlapSeconds }) {
      return addClientSecret(services, await author(tenant), id, {
        expiresInSeconds,
        overlapSeconds: overlapSeconds ?? DEFAULT_OVERLAP_SECONDS,
      });
    },
    async listClients({ tenant, page }) {
      return clients.list(await tidOf(tenant), page);
    },
    async deleteClient({ tenant, id }) {
      await deleteClient(services, await author(tenant), id);
      return { deleted: id };
    },
  };
}
