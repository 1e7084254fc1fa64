import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../src/config.ts';
import { documentedUser } from '../support/redis-user.ts';
import { instructionsOf, knownVariables, present, read } from './files.ts';

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly networks?: Readonly<Record<string, { readonly ipv4_address: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly read_only?: boolean;
  readonly tmpfs?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly stop_grace_period?: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly restart?: string;
}

const text = read('deploy/compose.yaml');
// `merge`: the `<<` of YAML 1.1, which every compose takes.
const compose = parse(text, { merge: true, strict: true, uniqueKeys: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly networks: Readonly<
    Record<string, { readonly ipam: { readonly config: readonly { readonly subnet: string }[] } }>
  >;
};
const { services } = compose;
const built = Object.entries(services).filter(([, { build }]) => build !== undefined);
const nodes = built.filter(([name]) => name !== 'migrate');
const nginx = read('deploy/nginx/sekisho.conf');
const image = instructionsOf(read('deploy/Containerfile'));

describe('A11 the compose file', () => {
  test('has three nodes of the container file, with nothing that they could write to', () => {
    expect(nodes.map(([name]) => name)).toEqual(['node-1', 'node-2', 'node-3']);
    for (const [, node] of built) {
      expect(present(`deploy/${node.build?.context}/${node.build?.dockerfile}`)).toBe(true);
      expect(node).toMatchObject({ read_only: true, tmpfs: ['/tmp'], cap_drop: ['ALL'] });
      expect(node.ports).toBeUndefined();
    }
    for (const [, node] of nodes) {
      expect(Number.parseInt(node.stop_grace_period ?? '0', 10)).toBeGreaterThan(10);
    }
  });

  test('gives the nodes what the server knows, and settings that it takes', () => {
    const known = knownVariables();
    for (const [, { environment = {} }] of nodes) {
      for (const name of Object.keys(environment)) expect(known).toContain(name);
      const value = (name: string) => filled(environment[name] ?? '');
      const config = readConfig({
        databaseUrl: value('DATABASE_URL'),
        redisUrl: value('REDIS_URL'),
        secret: value('SEKISHO_SECRET'),
        issuer: value('SEKISHO_ISSUER'),
        trustedProxies: value('SEKISHO_TRUSTED_PROXIES').split(','),
      });
      const { hostname, username, pathname } = new URL(value('DATABASE_URL'));
      expect(services.postgres?.environment).toMatchObject({ POSTGRES_DB: pathname.slice(1) });
      expect(username).toBe('sekisho_node');
      expect(new URL(value('REDIS_URL')).username).toBe('sekisho');
      expect([hostname, new URL(config.redisUrl ?? '').hostname]).toEqual(['postgres', 'redis']);
      expect(new URL(config.issuer ?? '').port).toBe(services.nginx?.ports?.[0]?.split(':')[1]);
    }
  });

  test('each node has operations at its own address, and its health is asked there', async () => {
    const asked: string[] = [];
    for (const [, { environment, networks, healthcheck }] of nodes) {
      expect(environment?.SEKISHO_ADMIN_HOST).toBe(networks?.default?.ipv4_address);
      // Compose reads $$ as one.
      const [, , , program = ''] = (healthcheck?.test ?? []).map((one) =>
        one.replaceAll('$$', '$'),
      );
      asked.push(program);
    }
    expect(new Set(asked).size).toBe(1);
    const [program = ''] = asked;
    const { SEKISHO_ADMIN_PORT } = Object.fromEntries(
      image
        .filter(({ name }) => name === 'ENV')
        .flatMap(({ rest }) => rest.split(/\s+/).map((pair) => pair.split('='))),
    );
    expect(program).toContain(`:${SEKISHO_ADMIN_PORT}/readyz`);
    for (const [status, code] of [
      [200, 0],
      [503, 1],
    ] as const) {
      const server = createServer((req, res) => {
        res.writeHead(req.url === '/readyz' ? status : 500).end();
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const here = program.replace(`:${SEKISHO_ADMIN_PORT}`, `:${port}`);
      const env = { ...process.env, SEKISHO_ADMIN_HOST: '127.0.0.1' };
      const child = spawn(process.execPath, ['-e', here], { env, stdio: 'ignore' });
      expect((await once(child, 'close'))[0]).toBe(code);
      server.close();
    }
  });

  test('has no secret in it: those that are not given stop the start', () => {
    const asked = [...text.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name);
    const secrets = [
      ...['SEKISHO_SECRET', 'POSTGRES_PASSWORD', 'SEKISHO_OWNER_PASSWORD'],
      ...['SEKISHO_NODE_PASSWORD', 'REDIS_PASSWORD'],
    ];
    expect(new Set(asked)).toEqual(new Set(secrets));
    // The file is made once, is nobody else's to read, and gets into no commit.
    expect(text).toMatch(/\(set -C; umask 077; for name in [\s\S]*?> deploy\/\.env\)/);
    expect(read('.gitignore').split('\n')).toContain('.env');
    // How they are made stands in the head of the file; nothing takes a default in their place.
    const [, made = ''] = /for name in ([A-Z_ ]+)/.exec(text) ?? [];
    expect(new Set(made.trim().split(' '))).toEqual(new Set(secrets));
    expect(text).not.toMatch(/(SECRET|PASSWORD)[^\s}]*:-/);
    const of = (name: string, variable: string) => services[name]?.environment?.[variable] ?? '';
    expect(of('node-1', 'DATABASE_URL')).toContain(`:${of('postgres', 'SEKISHO_NODE_PASSWORD')}@`);
    expect(of('migrate', 'DATABASE_URL')).toContain(
      `:${of('postgres', 'SEKISHO_OWNER_PASSWORD')}@`,
    );
    expect(of('node-1', 'REDIS_URL')).toContain(`:${of('redis', 'REDIS_PASSWORD')}@`);
    // The superuser's password is nobody's who is asked anything from outside.
    for (const [name, { environment = {} }] of Object.entries(services)) {
      const knows = Object.values(environment).some((value) => value.includes('POSTGRES_PASSWORD'));
      expect([name, knows]).toEqual([name, name === 'postgres']);
    }
  });

  test('ASVS 13.2.2 the owner of the schema migrates, without the secret, before a node starts', () => {
    const { migrate } = services;
    expect(migrate).toMatchObject({ command: ['migrate'], restart: 'no' });
    expect(Object.keys(migrate?.environment ?? {})).toEqual(['DATABASE_URL']);
    const url = new URL(filled(migrate?.environment?.DATABASE_URL ?? ''));
    expect(url.username).toBe('sekisho_owner');
    for (const [, { depends_on }] of nodes) {
      expect(depends_on?.migrate).toEqual({ condition: 'service_completed_successfully' });
    }
    const roles = services.postgres?.volumes?.find((one) => one.startsWith('./')) ?? '';
    const [from = '', to = ''] = roles.split(':');
    expect(present(`deploy/${from}`)).toBe(true);
    expect(to).toMatch(/^\/docker-entrypoint-initdb\.d\/\w+\.sql$/);
  });

  test('Redis has the users of the documentation, by the script of this repository', () => {
    const { redis } = services;
    const [folder = '', inside = ''] = redis?.volumes?.[0]?.split(':') ?? [];
    const [, script = ''] = redis?.entrypoint ?? [];
    expect(present(`deploy/${folder}/${script.slice(inside.length + 1)}`)).toBe(true);
    const { user, rules } = documentedUser();
    expect(read('deploy/redis/users.acl').trim().split('\n')).toEqual([
      'user default off',
      `user ${user} on >PASSWORD ${rules}`,
    ]);
  });

  test('puts nginx before them, with the file of this repository', () => {
    const [mounted = ''] = services.nginx?.volumes ?? [];
    const [from = '', to] = mounted.split(':');
    expect(present(`deploy/${from}`)).toBe(true);
    // Included by the http block of the image's own file.
    expect(to).toBe('/etc/nginx/conf.d/default.conf');
    const upstream = [...nginx.matchAll(/^\s*server (\S+):(\d+) /gm)];
    const addresses = nodes.map(([, { networks }]) => networks?.default?.ipv4_address);
    expect(upstream.map(([, address]) => address)).toEqual(addresses);
    const port = image.find(({ name }) => name === 'EXPOSE')?.rest;
    expect(new Set(upstream.map(([, , one]) => one))).toEqual(new Set([port]));
    const [, listen = ''] = /^\s*listen (\d+);/m.exec(nginx) ?? [];
    expect(services.nginx?.ports?.map((one) => one.split(':').at(-1))).toEqual([listen]);
    // Whoever may say where a request came from.
    const own = services.nginx?.networks?.default?.ipv4_address;
    expect(services['node-1']?.environment?.SEKISHO_TRUSTED_PROXIES).toBe(own);
    const [{ subnet = '' } = {}] = compose.networks.default?.ipam.config ?? [];
    for (const address of [...addresses, own]) {
      expect(address?.startsWith(subnet.replace(/\.0\/24$/, '.'))).toBe(true);
    }
  });

  test('everything that is named is there, and waited for by its health', () => {
    for (const { depends_on = {}, volumes = [], networks = {} } of Object.values(services)) {
      for (const [name, { condition }] of Object.entries(depends_on)) {
        expect(condition).toBe(
          name === 'migrate' ? 'service_completed_successfully' : 'service_healthy',
        );
        // An image in OCI's format has none of its own.
        if (name !== 'migrate') expect(services[name]?.healthcheck?.test, name).toBeDefined();
      }
      for (const volume of volumes.filter((one) => !one.startsWith('.'))) {
        expect(Object.keys(compose.volumes)).toContain(volume.split(':')[0]);
      }
      for (const name of Object.keys(networks))
        expect(Object.keys(compose.networks)).toContain(name);
    }
    for (const { ports = [] } of Object.values(services)) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    }
  });
});

/** What compose makes of a value: secrets are given, everything else takes its default. */
function filled(value: string): string {
  return value
    .replaceAll(/\$\{\w+:\?[^}]*\}/g, 'a-secret-of-thirty-two-bytes-and-more')
    .replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1');
}
