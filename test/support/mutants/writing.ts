import type { Mutant } from '../mutant.ts';
import { ANYTHING } from './promises.ts';

/** Rules of what is written and told: EPOCH, AUTHORITY, MINT, SOCKETS, ANNOUNCE. */
export const WRITING: readonly Mutant[] = [
  {
    name: 'epoch-after-password',
    rule: 'EPOCH',
    instead: "the session's epoch is read after the password was checked",
    themes: ['sessions'],
    breaks: [...ANYTHING, 'MINT'],
    edits: [
      {
        file: 'session/login.ts',
        find: 'let credible = await verify(services, facts, input.password);',
        replace:
          'let credible = await verify(services, facts, input.password);\n    if (credible !== null) credible = credibleOf(await readFacts(services, input.tenant, email));',
      },
    ],
  },
  {
    name: 'token-epoch-after-roles',
    rule: 'EPOCH',
    instead: "the token's epoch is read by a later statement than its roles",
    themes: ['sessions'],
    breaks: ANYTHING,
    weakness: 'roles before head',
  },
  {
    name: 'authority-before-transaction',
    rule: 'AUTHORITY',
    instead: 'whether the actor may act is asked before the transaction, and not again inside it',
    themes: ['sessions'],
    breaks: ['AUTHORITY'],
    weakness: 'authority before transaction',
  },
  {
    name: 'spared-unjudged',
    rule: 'AUTHORITY',
    instead: 'a session is spared although it was revoked',
    themes: ['network'],
    breaks: ANYTHING,
    weakness: 'spared unjudged',
  },
  {
    name: 'open-unconditional',
    rule: 'MINT',
    instead: 'a login makes its session whatever was committed since its credentials were read',
    themes: ['sessions'],
    breaks: ['MINT'],
    weakness: 'open unconditional',
  },
  {
    name: 'session-written-back',
    rule: 'MINT',
    instead: 'a refresh in flight writes back the session that it has read',
    themes: ['sessions'],
    breaks: ['MINT'],
    weakness: 'session written back',
  },
  {
    name: 'acknowledged-before-dead',
    rule: 'SOCKETS',
    instead: 'a position is acknowledged before the sockets that it hits are dead',
    themes: ['network', 'stopped'],
    breaks: ANYTHING,
    edits: [
      {
        file: 'revocation/node.ts',
        find: 'killed += this.strike(entry);',
        replace: 'this.clock.after(30, () => this.strike(entry));',
      },
    ],
  },
  {
    name: 'forgery-believed',
    rule: 'ANNOUNCE',
    instead: 'a message counts whether or not its MAC verifies',
    themes: ['network'],
    breaks: ['Early return'],
    edits: [
      {
        file: 'hub/message.ts',
        find: 'if (!same(text.slice(MAC_AT, CONTENT_AT), macOf(member, letter, content))) return null;',
        replace: '',
      },
    ],
  },
];
