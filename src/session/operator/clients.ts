import { isSekishoError, SekishoError } from '../../errors.ts';
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
import { shown, tenantNamed } from './names.ts';

/** Service clients of any tenant, named by its slug or id. */
export function createOperatorClients(services: Services): OperatorClients {
  const { clients } = services.record;

  /** Clients go by their ids: names need not be their own. */
  async function named<Result>(tenant: string, id: string, run: () => Promise<Result>) {
    try {
      return await run();
    } catch (error) {
      if (!isSekishoError(error) || error.code !== 'not_found') throw error;
      throw new SekishoError(
        'not_found',
        `There is no service client with the id ${shown(id)} in ${tenant}: sekisho client list shows them.`,
        { cause: error },
      );
    }
  }

  async function author(tenant: string): Promise<ClientAuthor> {
    const { tid } = await tenantNamed(services, tenant);
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
      const by = await author(tenant);
      const overlap = overlapSeconds ?? DEFAULT_OVERLAP_SECONDS;
      const secret = { expiresInSeconds, overlapSeconds: overlap };
      return named(tenant, id, () => addClientSecret(services, by, id, secret));
    },
    async listClients({ tenant, page }) {
      return clients.list((await tenantNamed(services, tenant)).tid, page);
    },
    async deleteClient({ tenant, id }) {
      const by = await author(tenant);
      await named(tenant, id, () => deleteClient(services, by, id));
      return { deleted: id };
    },
  };
}
