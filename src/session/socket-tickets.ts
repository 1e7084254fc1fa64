import { SekishoError } from '../errors.ts';
import { newId } from '../id.ts';
import type { AccessFacts } from '../token/access-token.ts';
import { makeSocketTicket, readSocketTicket, TICKET_SECONDS } from '../token/socket-ticket.ts';
import type { Authenticator } from './authenticate.ts';
import type { Session, SocketSession, Sockets } from './contract.ts';
import { nowMs, type Services } from './services.ts';

/** Long-lived connections: how they are opened, and by what they are judged (SOCKETS). */
export function createSockets(services: Services, authenticator: Authenticator): Sockets {
  const { record, follower, ring, activity } = services;

  return {
    async issueTicket({ session }) {
      const facts = factsOf(authenticator, session);
      const sessionEndsAtMs = await endOf(services, facts);
      const { tid, uid, sid, generation, epoch, tokenEpoch } = facts;
      const { clientId, roles, authTimeSeconds, amr } = facts;
      const ticket = makeSocketTicket(
        ring,
        {
          ...{ tid, uid, sid, generation, epoch, tokenEpoch },
          ...{ clientId, roles, authTimeSeconds, amr, sessionEndsAtMs },
          jti: newId(),
        },
        nowMs(services),
      );
      return { ticket, expiresInSeconds: TICKET_SECONDS };
    },

    async redeemTicket(presented) {
      const ticket = readSocketTicket(ring, presented, nowMs(services));
      const usable =
        ticket !== null &&
        (await record.sessions.useTicket(ticket.tid, ticket.jti, ticket.expiresAtMs));
      if (ticket === null || !usable) {
        authenticator.countRefusal('invalid_ticket', ticket?.tid ?? null);
        throw new SekishoError('invalid_token', 'The ticket is unknown, used or too old.');
      }
      return {
        session: Object.freeze({
          tenantId: ticket.tid,
          userId: ticket.uid,
          sessionId: ticket.sid,
          roles: ticket.roles,
          authTime: ticket.authTimeSeconds,
          amr: ticket.amr,
          clientId: ticket.clientId,
          expiresAt: Math.floor(ticket.sessionEndsAtMs / 1000),
          freshness: follower.freshnessNow() === 'fresh' ? 'fresh' : 'stale',
        }),
        generation: ticket.generation,
        epoch: ticket.epoch,
        tokenEpoch: ticket.tokenEpoch,
        endsAtMs: ticket.sessionEndsAtMs,
      };
    },

    connect(connected, kill) {
      const { session, endsAtMs } = connected;
      const facts = {
        tid: session.tenantId,
        uid: session.userId,
        sid: session.sessionId,
        generation: connected.generation,
        epoch: connected.epoch,
        tokenEpoch: connected.tokenEpoch,
      };
      const mark = activity.mark(facts.tid, facts.sid);
      const { judgement, check, disconnect } = follower.connect({ facts, endsAtMs, kill });
      return {
        judgement,
        checkNow(active = false) {
          const now = follower.wallNowMs();
          const verdict = check();
          if (now >= endsAtMs) return { kind: 'ended' };
          if (verdict.kind === 'pass' && active) activity.note(mark, now);
          return verdict;
        },
        disconnect,
      };
    },
  };
}

/** What an event stream opened with `token` is judged by. @throws as `authenticate`. */
export async function connectionOf(
  services: Services,
  authenticator: Authenticator,
  token: string,
): Promise<SocketSession> {
  const session = await authenticator.authenticate(token);
  const facts = factsOf(authenticator, session);
  const { generation, epoch, tokenEpoch } = facts;
  const endsAtMs = await endOf(services, facts);
  return { session, generation, epoch, tokenEpoch, endsAtMs };
}

function factsOf(authenticator: Authenticator, session: Session): AccessFacts {
  const facts = authenticator.factsOf(session);
  if (facts === null) {
    throw new SekishoError('internal', 'A session must come from authenticate, as it came.');
  }
  return facts;
}

/** The session's absolute end, which no access token tells. */
async function endOf(services: Services, facts: AccessFacts): Promise<number> {
  const row = await services.record.sessions.get(facts.tid, facts.sid, nowMs(services));
  if (row?.state === 'revoked') {
    throw new SekishoError('session_revoked', 'The session was revoked.');
  }
  if (row?.state !== 'active') {
    throw new SekishoError('session_expired', 'The session has ended; log in again.');
  }
  return row.expiresAtMs;
}
