import { readConfig } from '../../config.ts';
import type { Command } from '../command.ts';
import { checkBootstrap } from '../server/bootstrap.ts';
import { readServeSettings, serverSettings } from '../settings.ts';

export const serve: Command = {
  name: 'serve',
  operands: [],
  summary: 'Runs the server. Every option is an environment variable too; options win.',
  options: serverSettings,
  examples: [
    'sekisho serve',
    'sekisho serve --port 0 --data-dir /var/lib/sekisho',
    'DATABASE_URL=postgres://… SEKISHO_SECRET=… sekisho serve --host 0.0.0.0',
  ],
  async run(call) {
    const settings = readServeSettings(call);
    const config = readConfig(settings.options);
    checkBootstrap(config, settings.bootstrap);
    // The server itself, and all of Sekisho with it.
    const { runServer } = await import('../server/serve.ts');
    return await runServer(settings, config);
  },
};
