/** A certificate authority and a server's certificate for one run: nothing of it is kept anywhere. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findOrInstall } from './debian.mjs';

/** @typedef {{ caFile: string, certificateFile: string, keyFile: string }} Certificate */

const advice = 'install the program openssl (Debian: apt-get install openssl)';

/**
 * Writes `ca.crt`, `server.crt` and `server.key` (for 127.0.0.1 and localhost, valid for two days) into
 * `folder`. Needs the program `openssl`, and installs it
 * where that can be done.
 * @param {string} folder
 * @returns {Certificate}
 */
export function makeCertificate(folder) {
  const file = (/** @type {string} */ name) => join(folder, name);
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl([
    ...['req', '-x509', ...curve, '-days', '2', '-subj', '/CN=sekisho tests'],
    ...['-keyout', file('ca.key'), '-out', file('ca.crt')],
  ]);
  openssl([
    ...['req', ...curve, '-subj', '/CN=localhost'],
    ...['-keyout', file('server.key'), '-out', file('server.csr')],
  ]);
  writeFileSync(file('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  openssl([
    ...['x509', '-req', '-in', file('server.csr'), '-days', '2', '-extfile', file('names')],
    ...['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-CAcreateserial'],
    ...['-out', file('server.crt')],
  ]);
  return {
    caFile: file('ca.crt'),
    certificateFile: file('server.crt'),
    keyFile: file('server.key'),
  };
}

/**
 * The same in a folder of its own, for servers that share it.
 * @returns {Certificate & { remove: () => void }}
 */
export function sharedCertificate() {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-certificate-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    return { ...makeCertificate(folder), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** @param {string[]} args */
function openssl(args) {
  const program = findOrInstall('openssl', { packages: ['openssl'], advice });
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args[0]} failed: ${stderr}`);
}
