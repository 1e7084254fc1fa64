/**
 * The story of one forced logout, played on an instance of its own: two tenants, one person on three devices, and an
 * administrator. Ends with exit code 0 when everything happened as promised.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { runCommand } from '../tools/cluster/command.mjs';
import { startInstance } from './instance.mjs';
import { perCheck, throughHttp } from './measure.mjs';
import {
  expectation,
  failures,
  figure,
  milliseconds,
  quantile,
  scene,
  tell,
  verdict,
} from './terminal.mjs';

const ROUNDS = 10;
const made = () => randomBytes(15).toString('base64url');
const harbor = { slug: 'harbor', email: 'mika@harbor.example', password: made() };
const skyline = { slug: 'skyline', email: 'noor@skyline.example', password: made() };
const yuki = { email: 'yuki@harbor.example', password: made() };
const ren = { email: 'ren@skyline.example', password: made() };

/**
 * @typedef {{ status: number, body: any }} Answer
 * @typedef {{ device: string, access: string, refresh: string, uid: string, sid: string }} Device
 */

async function play() {
  scene('1. Two companies use the product');
  tell(`an instance of its own answers on ${instance.origin}`);
  const printed = await runCommand(
    ['tenant', 'create', skyline.slug, '--admin-email', skyline.email, '--json'],
    instance.env,
    `${skyline.password}\n`,
  );
  expectation(
    'operator',
    'makes the second tenant, skyline',
    JSON.parse(printed).tenant.slug === 'skyline',
  );
  const mika = await login(harbor.slug, harbor, 'Office PC');
  const noor = await login(skyline.slug, skyline, 'Office PC');
  const uid = await invite(mika, yuki);
  await invite(noor, ren);
  tell('Mika has invited Yuki to harbor, Noor has invited Ren to skyline');

  scene('2. Yuki works on three devices');
  const devices = [];
  for (const device of ['PC', 'phone', 'tablet'])
    devices.push(await login(harbor.slug, yuki, device));
  const others = await login(skyline.slug, ren, 'PC');
  for (const one of devices) {
    const { status } = await who(one);
    expectation(`Yuki's ${one.device}`, `calls the API: ${status}`, status === 200);
  }
  expectation("Ren's PC (skyline)", 'calls the API: 200', (await who(others)).status === 200);
  const socket = await openSocket(/** @type {Device} */ (devices[2]));
  expectation("Yuki's tablet", 'holds a socket open', socket.readyState === WebSocket.OPEN);

  scene('3. The phone is lost: Mika forces Yuki out everywhere');
  const began = performance.now();
  const closed = once(socket, 'close').then(([code]) => ({
    code,
    after: performance.now() - began,
  }));
  const forced = await revoke(mika, uid);
  const took = performance.now() - began;
  const { effective, members, waited_ms: waited } = forced.body.revocation ?? {};
  expectation(
    'Mika',
    `forced logout: ${effective}, ${members} node(s)`,
    effective === 'everywhere',
  );
  const { code, after } = await closed;
  expectation(
    "Yuki's tablet",
    `socket cut with ${code} after ${milliseconds(after)}`,
    code === 4401,
  );
  for (const one of devices) {
    const { status, body } = await who(one);
    expectation(
      `Yuki's ${one.device}`,
      `calls the API: ${status} ${body.code}`,
      body.code === 'session_revoked',
    );
  }
  for (const one of devices) {
    const { status, body } = await post('/v1/refresh', { refresh_token: one.refresh });
    expectation(`Yuki's ${one.device}`, `tries to refresh: ${status} ${body.code}`, status === 401);
  }

  scene('4. Life goes on');
  const again = await login(harbor.slug, yuki, 'new phone');
  expectation(
    "Yuki's new phone",
    'logs in and calls the API: 200',
    (await who(again)).status === 200,
  );
  const old = await who(/** @type {Device} */ (devices[0]));
  expectation("Yuki's PC", `the old token stays dead: ${old.status}`, old.status === 401);
  expectation(
    "Ren's PC (skyline)",
    'never noticed anything: 200',
    (await who(others)).status === 200,
  );
  const foreign = await revoke(noor, uid);
  expectation(
    'Noor (skyline)',
    `asks for a user of harbor: ${foreign.status}`,
    foreign.status === 404,
  );

  scene('5. Measured on this machine');
  figure('this forced logout, until everywhere', milliseconds(took));
  figure('  of which it waited for acknowledgements', milliseconds(waited ?? Number.NaN));
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const one = await login(harbor.slug, yuki, 'PC');
    const start = performance.now();
    await revoke(mika, uid);
    rounds.push(performance.now() - start);
    if ((await who(one)).status !== 401) expectation('a further round', 'is refused', false);
  }
  rounds.sort((a, b) => a - b);
  figure(`${ROUNDS} more of them, median`, milliseconds(quantile(rounds, 0.5)));
  figure(`${ROUNDS} more of them, slowest`, milliseconds(quantile(rounds, 1)));
  const http = await throughHttp(instance.origin, others.access);
  figure('authenticate through HTTP, p50', milliseconds(quantile(http, 0.5)));
  figure('authenticate through HTTP, p99', milliseconds(quantile(http, 0.99)));

  await instance.stop();
  const { known, checks } = await perCheck(instance.directory, others.access);
  figure('authenticate in the process, p50 of a check', milliseconds(quantile(checks, 0.5)));
  figure('authenticate in the process, p99 of a check', milliseconds(quantile(checks, 0.99)));
  expectation("Ren's PC (skyline)", 'the session outlived the restart', known === others.sid);
}

/** @param {string} tenant @param {{ email: string, password: string }} person @param {string} device */
async function login(tenant, person, device) {
  const { status, body } = await post('/v1/login', { tenant, device, ...pick(person) });
  if (status !== 200)
    throw new Error(`login of ${person.email}: ${status} ${JSON.stringify(body)}`);
  return {
    device,
    access: body.access_token,
    refresh: body.refresh_token,
    uid: body.user.id,
    sid: body.session.id,
  };
}

/** @param {{ email: string, password: string }} person */
const pick = ({ email, password }) => ({ email, password });

/** @param {Device} admin @param {{ email: string, password: string }} person */
async function invite(admin, person) {
  const { status, body } = await post('/v1/admin/users', pick(person), admin);
  if (status !== 201)
    throw new Error(`inviting ${person.email}: ${status} ${JSON.stringify(body)}`);
  return body.user.id;
}

/** @param {Device} admin @param {string} uid */
const revoke = (admin, uid) =>
  post(`/v1/admin/users/${uid}/revoke`, { reason: 'device lost' }, admin);

/** @param {Device} device */
const who = (device) => call('/v1/session', { headers: bearer(device) });

/** @param {Device} device */
const bearer = (device) => ({ authorization: `Bearer ${device.access}` });

/** @param {string} path @param {object} body @param {Device} [device] */
const post = (path, body, device) =>
  call(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(device ? bearer(device) : {}) },
    body: JSON.stringify(body),
  });

/** @param {string} path @param {RequestInit} init @returns {Promise<Answer>} */
async function call(path, init) {
  const response = await fetch(instance.origin + path, init);
  return { status: response.status, body: await response.json() };
}

/** @param {Device} device */
async function openSocket(device) {
  const { body } = await post('/v1/socket-ticket', {}, device);
  const url = `${instance.origin.replace('http', 'ws')}/v1/socket`;
  const socket = new WebSocket(url, ['sekisho.v1', `sekisho.ticket.${body.ticket}`]);
  await once(socket, 'open');
  return socket;
}

const instance = await startInstance(harbor);
process.once('SIGINT', () => {
  void instance.stop().finally(() => {
    instance.remove();
    process.exit(130);
  });
});
try {
  await play();
} finally {
  await instance.stop();
  instance.remove();
}
verdict();
process.exitCode = failures.length === 0 ? 0 : 1;
