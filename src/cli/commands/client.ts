import { clientOf } from '../../http/objects/people.ts';
import type { ServiceClient } from '../../record/contract.ts';
import {
  MAX_OVERLAP_SECONDS,
  MAX_SECRET_SECONDS,
  MIN_SECRET_SECONDS,
} from '../../session/admin-clients.ts';
import type { ClientWithSecret } from '../../session/contract.ts';
import {
  type Call,
  type Command,
  duration,
  type Option,
  operand,
  required,
  wantsJson,
  yesOption,
} from '../command.ts';
import { confirm } from '../confirm.ts';
import { EXIT } from '../exit.ts';
import { actOptions, reachOptions, withOperator } from '../operator.ts';
import { print, table, timeOf } from '../output.ts';
import { everyPage } from '../paging.ts';
import { tenantOption } from '../revoking.ts';

const EXPIRES = { least: MIN_SECRET_SECONDS, most: MAX_SECRET_SECONDS };
const OVERLAP = { least: 0, most: MAX_OVERLAP_SECONDS };

const expiresOption: Option = {
  name: 'expires',
  value: 'TIME',
  help: 'how long the secret is good, 60s to 3650d; default: without an end',
};

export const clientCreate: Command = {
  name: 'client create',
  operands: ['NAME'],
  summary: 'Makes a service client, which may ask about tokens of its tenant and revoke them.',
  description: ['The secret is shown this once; the record keeps its hash alone.'],
  options: [tenantOption, expiresOption, ...actOptions],
  examples: [
    'sekisho client create billing --tenant skyline',
    'sekisho client create billing --tenant skyline --expires 90d --json',
  ],
  async run(call) {
    const name = operand(call, 0);
    const tenant = required(call, 'tenant');
    const expiresInSeconds = duration(call, 'expires', EXPIRES);
    const made = await withOperator(call, (operator) =>
      operator.createClient({ tenant, name, expiresInSeconds }),
    );
    printSecret(call, made);
    return EXIT.done;
  },
};

export const clientRotate: Command = {
  name: 'client rotate',
  operands: ['ID'],
  summary: 'Gives a service client a new secret; the one until now goes on for a while.',
  description: [
    'With --overlap 0s the one until now is refused at once, and whoever still has it with it: that is asked first.',
  ],
  options: [
    tenantOption,
    {
      name: 'overlap',
      value: 'TIME',
      help: 'how long the secret until now goes on, 0s to 30d; default: 1d',
    },
    expiresOption,
    yesOption,
    ...actOptions,
  ],
  examples: [
    'sekisho client rotate hQ2mZ7xW0rTn5bJ8cK1vYA --tenant skyline',
    'sekisho client rotate hQ2mZ7xW0rTn5bJ8cK1vYA --tenant skyline --overlap 0s --yes',
  ],
  async run(call) {
    const input = {
      tenant: required(call, 'tenant'),
      id: operand(call, 0),
      expiresInSeconds: duration(call, 'expires', EXPIRES),
      overlapSeconds: duration(call, 'overlap', OVERLAP),
    };
    if (input.overlapSeconds === 0) {
      await confirm(call, `Refuse the secret until now of ${input.id} at once?`);
    }
    printSecret(call, await withOperator(call, (operator) => operator.addClientSecret(input)));
    return EXIT.done;
  },
};

export const clientList: Command = {
  name: 'client list',
  operands: [],
  summary: 'Lists the service clients of a tenant.',
  options: [tenantOption, ...reachOptions],
  examples: ['sekisho client list --tenant skyline', 'sekisho client list --tenant skyline --json'],
  async run(call) {
    const tenant = required(call, 'tenant');
    const clients = await withOperator(call, (operator) =>
      everyPage(
        (page) => operator.listClients({ tenant, page }),
        ({ createdAtMs, cid }) => ({ atMs: createdAtMs, id: cid }),
      ),
    );
    const rows = clients.map((client) => [
      client.cid,
      client.name,
      timeOf(client.createdAtMs),
      timeOf(client.lastUsedAtMs),
      timeOf(client.secretEndsAtMs),
      timeOf(previousEnd(client)),
    ]);
    print(
      wantsJson(call),
      { clients: clients.map(clientOf) },
      table(
        ['ID', 'NAME', 'MADE', 'LAST USED', 'SECRET ENDS', 'PREVIOUS ENDS'],
        rows,
        'no service clients',
      ),
    );
    return EXIT.done;
  },
};

export const clientDelete: Command = {
  name: 'client delete',
  operands: ['ID'],
  summary: 'Deletes a service client.',
  description: [
    'A node that has just seen its secret may answer it for 5 s more, or 15 s while it cannot read the record.',
  ],
  options: [tenantOption, yesOption, ...actOptions],
  examples: ['sekisho client delete hQ2mZ7xW0rTn5bJ8cK1vYA --tenant skyline --yes'],
  async run(call) {
    const id = operand(call, 0);
    const tenant = required(call, 'tenant');
    await confirm(call, `Delete the service client ${id} of ${tenant}?`);
    const done = await withOperator(call, (operator) => operator.deleteClient({ tenant, id }));
    print(wantsJson(call), done, [`the service client ${id} is deleted`]);
    return EXIT.done;
  },
};

function printSecret(call: Call, { client, secret }: ClientWithSecret): void {
  const previousMs = previousEnd(client);
  print(wantsJson(call), { client: clientOf(client), secret }, [
    `client id      ${client.cid}`,
    `client secret  ${secret}`,
    client.secretEndsAtMs === null
      ? 'write the secret down: it is not shown again'
      : `write the secret down: it is not shown again, and good until ${timeOf(client.secretEndsAtMs)}`,
    ...(previousMs === null ? [] : [`the secret until now is good until ${timeOf(previousMs)}`]),
  ]);
}

/** Until when the secret before is good; null: there is none, or not any more. */
function previousEnd({ oldSecretEndsAtMs: endsAtMs }: ServiceClient): number | null {
  return endsAtMs !== null && endsAtMs > Date.now() ? endsAtMs : null;
}
