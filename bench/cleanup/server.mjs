// The server's process: it measures each authenticate(token) that it makes itself, and cleans up when it is told to.
import { createServer } from 'node:http';
import { nodeHandler } from '../../dist/adapter/node/index.js';
import { createSekisho } from '../../dist/index.js';
import { CHECK_EVERY_MS, PASSWORD, quantiles } from './shared.mjs';

await serve(JSON.parse(process.env.BENCH_SERVE ?? '{}'));

async function serve(options) {
  const sekisho = await createSekisho({ ...options, logLevel: 'warn' });
  const { engine } = sekisho;
  const { admin } = await engine.operator.createTenant({
    ...{ slug: 'bench', name: null, adminEmail: 'admin@bench.example', adminPassword: PASSWORD },
  });
  const origin = { requestId: 'bench', ip: null, userAgent: null };
  const open = () =>
    engine.logins.createSession(
      { tenant: 'bench', user: { uid: admin.uid }, amr: ['pwd'] },
      origin,
    );
  const server = createServer(nodeHandler(sekisho));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

  const own = {};
  let times = [];
  let { accessToken } = await open();
  let renewMs = performance.now() + 120_000;
  const checking = setInterval(async () => {
    if (performance.now() > renewMs) {
      renewMs = performance.now() + 120_000;
      // While the record is busy the one at hand is good for some minutes more.
      ({ accessToken } = await open().catch(() => {
        renewMs = performance.now() + 5_000;
        return { accessToken };
      }));
    }
    const fromMs = performance.now();
    await engine.authentication.authenticate(accessToken).catch(() => {});
    times.push(performance.now() - fromMs);
  }, CHECK_EVERY_MS);

  process.on('message', async ({ kind, name }) => {
    if (kind === 'phase') {
      times = [];
      own[name] = times;
    } else if (kind === 'clean') {
      await engine.maintenance.run();
      const { removed } = engine.maintenance.status();
      process.send?.({ kind: 'cleaned', removed: removed.sessions });
    } else {
      const told = Object.fromEntries(
        Object.entries(own).map(([phase, all]) => [phase, quantiles(all)]),
      );
      process.send?.({ kind: 'told', own: told });
    }
  });
  process.once('SIGTERM', async () => {
    clearInterval(checking);
    server.closeAllConnections();
    server.close();
    await sekisho.close();
    process.exit(0);
  });
  process.once('disconnect', () => process.exit(1));
  process.send?.({ kind: 'ready', origin: `http://127.0.0.1:${server.address().port}` });
}
