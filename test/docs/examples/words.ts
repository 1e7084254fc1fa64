import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { runBuilt } from './built.ts';
import { PASSWORD, type World } from './world.ts';

/** What is put in the place of a placeholder. */
type Replaced = readonly [placeholder: RegExp | string, by: string];

/** Nothing where there is nothing to replace. */
// biome-ignore lint/suspicious/noConfusingVoidType: most only make something
type Made = readonly Replaced[] | void;

const RECURSIVE = { recursive: true, force: true } as const;

/** What the examples that `line` matches need: made right before each. */
interface Need {
  readonly line: RegExp;
  /** Resolves with the words to put in the place of the example's own. */
  make(world: World, line: string): Promise<Made> | Made;
}

/** An id of any kind, as the examples write one. */
const ID = 'hQ2mZ7xW0rTn5bJ8cK1vYA';

/** By example; all that match are applied, in this order. */
export const needs: readonly Need[] = [
  // Ids: of whatever the command is about.
  {
    line: /sekisho client (rotate|delete) /,
    async make({ operator }) {
      const { client } = await operator.createClient({
        ...{ tenant: 'skyline', name: 'ledger', expiresInSeconds: null },
      });
      return [[ID, client.cid]];
    },
  },
  {
    line: /sekisho (session (show|revoke)|revoke session) /,
    make: async (world) => [[ID, (await world.login('skyline')).session.id]],
  },
  {
    line: /sekisho revoke show /,
    async make({ operator }) {
      const subject = { scope: 'user', tenant: 'skyline', user: 'noor@skyline.example' } as const;
      const { id } = await operator.revokeSessions({ ...subject, reason: null, waitMs: null });
      return [['3sNqZ7xW0rTn5bJ8cK1vYA', id]];
    },
  },
  {
    // Something of theirs that stands in the operators' trail.
    line: /sekisho audit erase --user /,
    make: async (world) => {
      await world.login('nowhere', 'noor@main.example').catch(() => {});
      return [];
    },
  },
  {
    line: /--node /,
    async make({ operator }) {
      const [member] = await operator.members();
      return [[ID, member?.id ?? 'no node']];
    },
  },
  {
    line: /sekisho keys retire /,
    async make({ operator }) {
      const signing = (await operator.listKeys()).find(({ state }) => state === 'signing');
      return [['NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs', signing?.kid ?? 'no key']];
    },
  },
  {
    line: /"\$ID"/,
    async make({ operator }) {
      const slug = `gone-${Date.now()}`;
      const { tenant } = await operator.createTenant({
        ...{ slug, name: null, adminEmail: 'a@gone.example', adminPassword: PASSWORD },
      });
      await operator.deleteTenant({ tenant: slug, reason: null, waitMs: null });
      return [['$ID', tenant.tid]];
    },
  },
  // What is there, or is not there yet.
  {
    line: /sekisho tenant create (skyline|acme)/,
    async make({ operator }) {
      for (const tenant of ['skyline', 'acme']) {
        await operator.deleteTenant({ tenant, reason: null, waitMs: null });
      }
    },
  },
  {
    line: /sekisho user create .*yuki@/,
    async make({ operator }) {
      const user = 'yuki@skyline.example';
      await operator.deleteUser({ tenant: 'skyline', user, waitMs: null });
    },
  },
  {
    line: /sekisho tenant policy end-override /,
    async make({ operator }) {
      const made = await operator.setTenantPolicy({
        ...{ tenant: 'skyline', set: { access_ttl: 60 }, ifVersion: null, forMs: 3_600_000 },
      });
      return [['--if-version 7', `--if-version ${made.version}`]];
    },
  },
  {
    line: /sekisho keys rotate/,
    async make({ operator }) {
      const coming = (await operator.listKeys()).find(({ state }) => state === 'coming');
      if (coming !== undefined) await operator.retireKey({ kid: coming.kid, withdraw: false });
    },
  },
  {
    line: /sekisho audit verify .*(--checkpoints|--witness|--file)/,
    async make(world) {
      // The checkpoint first, so that it covers what is in the file.
      const { stdout } = await runBuilt('sekisho audit checkpoint --json', world.folder);
      writeFileSync(world.at('kept.json'), stdout);
      rmSync(world.at('trail.jsonl'), { force: true });
      await runBuilt('sekisho audit export --tenant main --output trail.jsonl', world.folder);
      for (const name of ['server.log', 'sekisho.log', 'var/log/kept-elsewhere/sekisho.log']) {
        writeFileSync(world.at(name), world.log);
      }
    },
  },
  {
    line: /sekisho backup \/var\/backups\/sekisho.backup|monday.backup|move.backup/,
    make(world) {
      rmSync(world.at('var/backups/sekisho.backup'), { force: true });
    },
  },
  {
    line: /(sekisho restore|DATABASE_URL.*restore) (sekisho|move)\.backup/,
    async make(world) {
      for (const name of ['sekisho.backup', 'move.backup']) {
        if (!existsSync(world.at(name))) await world.operator.backUp({ path: world.at(name) });
      }
    },
  },
  { line: /install -d/, make: (world) => rmSync(world.at('var/lib/sekisho'), RECURSIVE) },
  // A record is migrated while no server has its directory.
  { line: /sekisho migrate .*\.sekisho/, make: () => [['.sekisho', '/var/lib/sekisho']] },
  {
    line: /"\$SERVER"/,
    make: (world) => [['"$SERVER"', String(world.server.child.pid)]],
  },
  {
    line: /"\$CLIENT_ID:\$CLIENT_SECRET"/,
    async make(world) {
      const { client, secret } = await world.operator.createClient({
        ...{ tenant: 'skyline', name: 'billing', expiresInSeconds: null },
      });
      const { access_token: token } = await world.login('skyline', 'yuki@skyline.example');
      return [
        ['$CLIENT_ID', client.cid],
        ['$CLIENT_SECRET', secret],
        ['$TOKEN', token],
        ['https://sekisho.example', world.server.origin],
      ];
    },
  },
  // Whoever sits at a terminal is asked for a password; here it comes from a file.
  {
    line: /^sekisho (tenant create|user reset) (?!.*(<|--link))/,
    make: () => [[/$/, ' < password.txt']],
  },
  // A day that is over by the clock of today.
  {
    line: /--before 20/,
    make: () => [
      [/--before \S+/, `--before ${new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)}`],
    ],
  },
  // A date that stays ahead of the clock, within the 30 days that are allowed.
  {
    line: /--until 20/,
    make: () => [
      [/--until \S+/, `--until ${new Date(Date.now() + 86_400_000).toISOString().slice(0, 16)}Z`],
    ],
  },
];

/** Numbers that are made small, files of this checkout that are left as they are. */
export const everywhere: readonly Replaced[] = [
  // kills.test.ts and directory-lock.test.ts are tests of the same run.
  ['--kills 50', '--kills 0'],
  ['biome check --write', 'biome check'],
  [/\bHOST=0\.0\.0\.0\b|--host 0\.0\.0\.0/g, ''],
  ['SEKISHO_ADMIN_HOST=10.0.0.11', 'SEKISHO_ADMIN_HOST=127.0.0.1'],
  [/\bPORT=\d+/g, 'PORT=0'],
  [/SEKISHO_ADMIN_PORT=\d+/g, 'SEKISHO_ADMIN_PORT=0'],
];

/** Paths of a machine, which are below the world's folder here. */
export const PATHS = /(?<![\w/.])\/(?=(var|mnt|media|tmp)\/)/g;

/** Commands that stay until they are ended. */
export const lasting: readonly {
  readonly line: RegExp;
  ready(stdout: string, world: World): boolean;
}[] = [
  { line: /sekisho serve\b/, ready: (stdout) => /^listening http\S+ operations/m.test(stdout) },
  {
    line: /sekisho backup .*--every/,
    ready: (_, world) =>
      readdirSync(world.at('var/backups/sekisho')).some((name) => name.endsWith('.backup')),
  },
];
