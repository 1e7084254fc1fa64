import type { ServerResponse } from 'node:http';
import type { NodeHost } from '../../adapter/node/index.ts';

/** Remembers the answers that have no end of their own, so that draining need not wait for them. */
export class OpenStreams {
  readonly #open = new Set<ServerResponse>();
  #closed = false;

  /** `host`, with its event streams remembered. */
  watch(host: Pick<NodeHost, 'basePath' | 'fetch'>): Pick<NodeHost, 'basePath' | 'fetch'> {
    return {
      basePath: host.basePath,
      fetch: async (request, env) => {
        const response = await host.fetch(request, env);
        const outgoing = env?.outgoing;
        const endless = response.headers.get('content-type')?.startsWith('text/event-stream');
        if (endless && outgoing !== undefined) this.#remember(outgoing);
        return response;
      },
    };
  }

  /** Ends the open ones, and those that come later. Clients of event streams come back by themselves. */
  close(): void {
    this.#closed = true;
    for (const outgoing of this.#open) outgoing.destroy();
  }

  #remember(outgoing: ServerResponse): void {
    if (this.#closed) {
      outgoing.destroy();
      return;
    }
    this.#open.add(outgoing);
    outgoing.once('close', () => this.#open.delete(outgoing));
  }
}
