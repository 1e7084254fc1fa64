import { cpSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type OperatorCommands, operatorAt } from '../../../src/create/operator-commands.ts';
import { call, freshDirectory, type Server, serve } from '../../support/process.ts';
import { root } from './blocks.ts';
import { programs } from './programs-on-path.ts';

export const PASSWORD = 'correct horse battery staple';

/** Of everything that has a secret from outside. */
export const SECRET = 'a secret of the examples that is long enough';

/** Services of their own kind, where there are any. */
export interface Services {
  /** Of a database that one node serves. */
  readonly databaseUrl: string;
  /** Of one that is empty. */
  emptyDatabase(): Promise<string>;
  /** Of a superuser of a server whose roles may be changed. */
  superuserUrl(): Promise<string>;
  redisUrl(): string;
  readonly path: string;
}

/**
 * What the readers of the pages have: a folder with a server of the built command on its `.sekisho`, the tenants, people and
 * clients that the examples name, and the paths that they name, below that folder.
 */
export class World {
  readonly folder = freshDirectory();
  readonly services: Services | null;
  #server: Server | null = null;
  #log = '';
  #databaseUrl = '';
  /** Of the server whose roles may be changed; '' where the examples ask for none. */
  #superuserUrl = '';

  constructor(services: Services | null) {
    this.services = services;
    const folders = ['var/backups/sekisho', 'var/log/kept-elsewhere', 'mnt/write-once'];
    for (const name of [...folders, 'mnt/other-disk', 'media/safe', 'tmp', 'bin']) {
      mkdirSync(join(this.folder, name), { recursive: true });
    }
    symlinkSync(join(root, 'deploy'), join(this.folder, 'deploy'));
    writeFileSync(this.at('password.txt'), `${PASSWORD}\n`);
    for (const [name, text] of Object.entries(programs)) {
      writeFileSync(this.at('bin', name), text, { mode: 0o755 });
    }
    // An answer that is no success is a failure of the example.
    writeFileSync(this.at('.curlrc'), 'silent\nfail-with-body\n');
  }

  /** The database that the lines of `text` share: one that is empty, where a node's start or a restore is shown. */
  async anotherDatabase(text: string): Promise<void> {
    if (this.services === null) return;
    const { databaseUrl, emptyDatabase, superuserUrl } = this.services;
    this.#databaseUrl = /\b(serve|restore)\b/.test(text) ? await emptyDatabase() : databaseUrl;
    this.#superuserUrl = /\bpsql\b/.test(text) ? await superuserUrl() : '';
  }

  /** Addresses and secrets as the examples write them, and those that are meant. */
  addresses(): readonly (readonly [shown: RegExp, is: string])[] {
    if (this.services === null) return [];
    const as = (user: string): string => {
      if (this.#superuserUrl === '') return '';
      const url = new URL(this.#superuserUrl);
      return Object.assign(url, { username: user, password: `${user}-password` }).href;
    };
    return [
      [/postgres:\/\/postgres@db\.internal\/sekisho/g, this.#superuserUrl],
      [/postgres:\/\/(sekisho_owner):…@db\.internal\/sekisho/g, as('sekisho_owner')],
      [/postgres:\/\/(sekisho_node):…@db\.internal\/sekisho/g, as('sekisho_node')],
      [/SEKISHO_OWNER_PASSWORD=…/g, 'SEKISHO_OWNER_PASSWORD=sekisho_owner-password'],
      [/SEKISHO_NODE_PASSWORD=…/g, 'SEKISHO_NODE_PASSWORD=sekisho_node-password'],
      [/postgres:\/\/(…|sekisho:…@db\.internal\/sekisho)/g, this.#databaseUrl],
      [/redis:\/\/(…|cache\.internal)/g, `'${this.services.redisUrl()}'`],
      [/SEKISHO_SECRET=…/g, `SEKISHO_SECRET='${SECRET}'`],
    ];
  }

  /** What is set where a page speaks of several nodes. */
  get ofNodes(): Readonly<Record<string, string>> {
    return { DATABASE_URL: this.#databaseUrl, SEKISHO_SECRET: SECRET };
  }

  at(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  get server(): Server {
    if (this.#server === null) throw new Error('the world has no server yet');
    return this.#server;
  }

  get operator(): OperatorCommands {
    return operatorAt(this.at('.sekisho'));
  }

  /** What the server has logged. */
  get log(): string {
    return `${this.#log}${this.#server?.stderr() ?? ''}`;
  }

  /** Starts the server where none runs, and makes whoever is missing. */
  async ready(): Promise<void> {
    const ended = this.#server?.child.exitCode ?? this.#server?.child.signalCode ?? null;
    if (this.#server === null || ended !== null) {
      this.#log = this.log;
      if (this.#server === null) await this.#another();
      this.#server = await serve(this.at('.sekisho'), { SEKISHO_LOG_LEVEL: 'info' });
    }
    for (const tenant of ['main', 'skyline', 'acme']) await this.#tenant(tenant);
  }

  /** A data directory that nobody serves, with the same secret, as a server leaves it. */
  async #another(): Promise<void> {
    await (await serve(this.at('.sekisho'))).end('SIGTERM');
    cpSync(this.at('.sekisho'), this.at('var/lib/sekisho'), {
      recursive: true,
      filter: (path) => !lstatSync(path).isSocket(),
    });
    cpSync(this.at('.sekisho/secret'), this.at('media/safe/sekisho-secret'));
  }

  async #tenant(tenant: string): Promise<void> {
    const { operator } = this;
    const page = { cursor: null, limit: 50 };
    const there = (await operator.listTenants(page)).find(({ slug }) => slug === tenant);
    const email = `noor@${tenant}.example`;
    if (there === undefined) {
      await operator.createTenant({
        ...{ slug: tenant, name: null, adminEmail: email, adminPassword: PASSWORD },
      });
    } else if (there.status === 'suspended') await operator.resumeTenant({ tenant });
    const users = await operator.listUsers({ tenant, page });
    for (const name of ['noor', 'yuki'])
      await this.#user(tenant, `${name}@${tenant}.example`, users);
  }

  async #user(
    tenant: string,
    email: string,
    users: Awaited<ReturnType<OperatorCommands['listUsers']>>,
  ): Promise<void> {
    const there = users.find((user) => user.email === email);
    if (there === undefined) {
      await this.operator.createUser({
        ...{ tenant, email, password: PASSWORD, name: null, roles: null },
      });
    } else if (there.status === 'disabled') {
      await this.operator.patchUser({ tenant, user: email, status: 'active', waitMs: null });
    }
  }

  /** Logs somebody in. */
  async login(tenant: string, email = `noor@${tenant}.example`) {
    const body = { tenant, email, password: PASSWORD, device: 'PC' };
    const { status, body: answer } = await call(`${this.server.origin}/v1/login`, { body });
    if (status !== 200) throw new Error(`${email} cannot log in: ${status} ${answer?.code}`);
    return answer as {
      readonly access_token: string;
      readonly session: { readonly id: string };
    };
  }

  async close(): Promise<void> {
    await this.#server?.end('SIGTERM');
  }
}
