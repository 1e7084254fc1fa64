/** A real nginx for tests: deploy/nginx/sekisho.conf with its own port and nodes, own folder, own processes. */
import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findOrInstall } from './debian.mjs';
import { startGuarded } from './guarded.mjs';
import { freePort } from './ports.mjs';

const exampleFile = fileURLToPath(new URL('../../deploy/nginx/sekisho.conf', import.meta.url));
const advice =
  'install nginx 1.20 or newer (Debian: apt-get install nginx; macOS: brew install nginx)';
const timeoutMs = 30_000;

/**
 * @typedef {object} Nginx
 * @property {string} url where it listens
 * @property {() => string[]} nodes origins that requests go to at present
 * @property {(origins: readonly string[]) => Promise<void>} setNodes has it load a configuration with these nodes, as
 *   `nginx -s reload` does, and waits until new requests go by it; requests that are on their way end where they are
 * @property {() => string} log
 * @property {() => Promise<void>} stop
 */

/** @param {readonly string[]} origins such as `http://127.0.0.1:4000` @returns {Promise<Nginx>} */
export async function startNginx(origins) {
  const command = findOrInstall('nginx', { packages: ['nginx'], advice });
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-nginx-'));
  const owner = serverUser();
  mkdirSync(join(folder, 'temp'));
  if (owner.uid !== undefined && owner.gid !== undefined) {
    for (const path of [folder, join(folder, 'temp')]) chownSync(path, owner.uid, owner.gid);
  }
  const confFile = join(folder, 'nginx.conf');
  const logFile = join(folder, 'log');
  const port = await freePort();
  const statePort = await freePort();
  const example = readFileSync(exampleFile, 'utf8');
  let version = 1;
  let nodes = [...origins];

  const write = () => {
    const site = withNodes(example, nodes).replace(/listen 80;/, `listen 127.0.0.1:${port};`);
    writeFileSync(confFile, mainConfiguration({ folder, site, statePort, version }));
  };
  const loaded = async () => {
    const deadline = Date.now() + timeoutMs;
    // Workers of the old configuration may still take connections for a moment: several answers in a row.
    for (let same = 0; same < 3; ) {
      same = (await versionAt(statePort)) === String(version) ? same + 1 : 0;
      if (Date.now() > deadline) {
        throw new Error(`nginx did not load its configuration:\n${readFileSync(logFile, 'utf8')}`);
      }
      await sleep(10);
    }
  };

  write();
  const server = await startGuarded({
    command,
    args: ['-p', folder, '-c', confFile, '-e', 'stderr', '-g', 'daemon off;'],
    ...{ cwd: folder, scratch: folder, logFile, stopSignal: 'SIGTERM' },
    ...owner,
  });
  const stop = async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await loaded();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `http://127.0.0.1:${port}`,
    nodes: () => [...nodes],
    async setNodes(next) {
      nodes = [...next];
      version += 1;
      write();
      server.kill('SIGHUP');
      await loaded();
    },
    log: () => readFileSync(logFile, 'utf8'),
    stop,
  };
}

/** The documented example with the nodes of this run in place of its own. @param {string} example @param {string[]} nodes */
function withNodes(example, nodes) {
  const line = /^( *)server 10\.214\.73\.11:4000(.*)$/m.exec(example);
  if (line === null) throw new Error(`${exampleFile} has no line for a node`);
  const lines = nodes.map((origin) => `${line[1]}server ${new URL(origin).host}${line[2]}`);
  const others = /^ *server 10\.214\.73\.\d+:4000.*\n/gm;
  return example
    .replace(line[0], '# nodes')
    .replace(others, '')
    .replace('# nodes', lines.join('\n'));
}

/** @param {{ folder: string, site: string, statePort: number, version: number }} parts */
function mainConfiguration({ folder, site, statePort, version }) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/temp/${name};`).join('\n  ')}
${site}
  server {
    listen 127.0.0.1:${statePort};
    keepalive_timeout 0;
    location / { return 200 "${version}"; }
  }
}
`;
}

/** @param {number} port */
async function versionAt(port) {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      headers: { connection: 'close' },
      signal: AbortSignal.timeout(2000),
    });
    return await response.text();
  } catch {
    return null;
  }
}

/** As root nginx would run its workers as another user, who may not write where we are. @returns {{ uid?: number, gid?: number }} */
function serverUser() {
  if (process.getuid?.() !== 0) return {};
  const uid = spawnSync('id', ['-u', 'nobody'], { encoding: 'utf8' });
  const gid = spawnSync('id', ['-g', 'nobody'], { encoding: 'utf8' });
  if (uid.status !== 0 || gid.status !== 0) return {};
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}
