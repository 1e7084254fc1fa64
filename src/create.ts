import { readConfig, type SekishoOptions } from './config.ts';
import { createInstance, withClose } from './create/instance.ts';
import { holdOne } from './create/one.ts';
import type { Sekisho, Starting } from './create/sekisho.ts';

/**
 * Opens Sekisho and resolves when it may answer. Without options it is the embedded shape in `.sekisho`: nothing to
 * install. There is one for each record in a process: whoever asks again with the same options shares it, and closes its own
 * share.
 *
 * @throws SekishoError `invalid_configuration`, `data_directory_in_use`, `data_directory_unusable`. A `databaseUrl` that
 *   cannot be reached is tried again and again; see `startSekisho` for answering 503 meanwhile.
 * @example
 * import { createSekisho } from 'sekisho';
 *
 * const sekisho = await createSekisho({ dataDir: '.sekisho' });
 * const session = await sekisho.authenticate(request);
 * await sekisho.close();
 */
export async function createSekisho(options: SekishoOptions = {}): Promise<Sekisho> {
  const { sekisho, ready } = startSekisho(options);
  try {
    await ready;
    return sekisho;
  } catch (error) {
    await sekisho.close();
    throw error;
  }
}

/**
 * The same for programs that listen first: the instance answers 503 `not_ready` until `ready` has resolved. When `ready`
 * rejects, close it.
 *
 * @throws SekishoError `invalid_configuration`
 * @example
 * const { sekisho, ready } = startSekisho({ databaseUrl: process.env.DATABASE_URL, secret: process.env.SEKISHO_SECRET });
 * serve({ fetch: sekisho.fetch, port: 4000 });
 * await ready;
 */
export function startSekisho(options: SekishoOptions = {}): Starting {
  const config = readConfig(options);
  const { instance, letGo } = holdOne(
    config,
    () => createInstance(config),
    ({ sekisho }) => sekisho.close(),
  );
  return { ...instance, sekisho: withClose(instance.sekisho, letGo) };
}
