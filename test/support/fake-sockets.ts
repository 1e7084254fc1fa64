import type { SocketHost } from '../../src/adapter/node/index.ts';
import { SekishoError } from '../../src/errors.ts';
import type { Connection, Judgement } from '../../src/revocation/contract.ts';
import type { SocketSession } from '../../src/session/contract.ts';
import { someone } from './node-host.ts';

/** The contract of sockets without an engine: tests say what is judged and when somebody is cut. */
export class FakeSockets implements SocketHost {
  readonly basePath = '';
  readonly #tickets = new Set<string>();
  readonly kills = new Set<Connection['kill']>();
  /** What a check answers. */
  judgement: Judgement | { readonly kind: 'ended' } = { kind: 'pass', freshness: 'fresh' };
  /** Checks so far, by whether they were a person's activity. */
  readonly checks = { active: 0, passive: 0 };

  allowsOrigin(origin: string): boolean {
    return origin === 'https://app.example';
  }

  ticket(name: string): string {
    this.#tickets.add(name);
    return name;
  }

  readonly sockets: SocketHost['sockets'] = {
    redeemTicket: async (ticket): Promise<SocketSession> => {
      if (ticket === 'store is down') throw new SekishoError('store_unavailable', 'down');
      if (ticket === 'revoked') throw new SekishoError('session_revoked', 'revoked');
      if (!this.#tickets.delete(ticket)) throw new SekishoError('invalid_token', 'unknown');
      return { session: someone, generation: 'g', epoch: 0, tokenEpoch: 0, endsAtMs: 0 };
    },
    connect: (_session, kill) => {
      const { judgement } = this;
      if (judgement.kind === 'pass') this.kills.add(kill);
      return {
        judgement: judgement.kind === 'ended' ? { kind: 'revoked' } : judgement,
        checkNow: (activity = false) => {
          this.checks[activity ? 'active' : 'passive'] += 1;
          return this.judgement;
        },
        disconnect: () => void this.kills.delete(kill),
      };
    },
  };
}
