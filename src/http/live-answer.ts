import { type ErrorCode, SekishoError } from '../errors.ts';
import type { Engine, LiveConnection, SocketSession } from '../session/contract.ts';

/** Why a connection was not let in, as an error. */
const REFUSED: Readonly<Record<string, ErrorCode>> = {
  revoked: 'session_revoked',
  superseded: 'token_superseded',
  unknown_generation: 'token_superseded',
  unavailable: 'store_unavailable',
};

/**
 * SOCKETS: registers an answer that lasts, and judges it in the same synchronous block. `cut` ends it when its session may
 * no longer be served.
 *
 * @param leave called when it is refused.
 * @throws SekishoError `session_revoked`, `token_superseded`, `store_unavailable`
 */
export function connected(
  engine: Pick<Engine, 'sockets'>,
  session: SocketSession,
  cut: () => void,
  leave: () => void,
): LiveConnection {
  const live = engine.sockets.connect(session, cut);
  const refused = REFUSED[live.judgement.kind];
  if (refused === undefined) return live;
  leave();
  throw new SekishoError(refused, 'The session may not be served now.');
}

/** Bounds how many answers of a kind a session has at once (A7). */
export interface Places {
  /** @returns what gives the place back. @throws SekishoError `too_many_streams` */
  take(engine: object, sid: string): () => void;
}

/** @example const PLACES = createPlaces(16, 'event streams') */
export function createPlaces(most: number, what: string): Places {
  const open = new WeakMap<object, Map<string, number>>();
  return {
    take(engine, sid) {
      const counts = open.get(engine) ?? new Map<string, number>();
      open.set(engine, counts);
      const count = counts.get(sid) ?? 0;
      if (count >= most) {
        throw new SekishoError(
          'too_many_streams',
          `This session has ${most} ${what} open; close one of them.`,
        );
      }
      counts.set(sid, count + 1);
      return () => {
        const left = (counts.get(sid) ?? 1) - 1;
        if (left > 0) counts.set(sid, left);
        else counts.delete(sid);
      };
    },
  };
}
