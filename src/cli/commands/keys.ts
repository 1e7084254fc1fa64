import { ISSUER_MUST, isIssuer } from '../../public-url.ts';
import {
  type IssuerSeen,
  type KeySeen,
  LEAST_AHEAD_MS,
  MOST_AHEAD_MS,
} from '../../session/operator/keys-contract.ts';
import {
  type Command,
  duration,
  given,
  oneOf,
  operand,
  UsageError,
  wantsJson,
  yesOption,
} from '../command.ts';
import { confirm } from '../confirm.ts';
import { EXIT } from '../exit.ts';
import { actOptions, reachOptions, withOperator } from '../operator.ts';
import { isoOf, print, table, timeOf } from '../output.ts';

const AHEAD = { least: LEAST_AHEAD_MS / 1000, most: MOST_AHEAD_MS / 1000 };
const ALGORITHMS = ['ES256', 'EdDSA', 'RS256'] as const;

export const keysList: Command = {
  name: 'keys list',
  operands: [],
  summary: 'Lists the signing keys of access tokens, newest first.',
  description: [
    'coming: published, and not used yet. signing: the one in use. verifying: used no more, and published until its last token has expired. gone: tokens of it are good for nothing.',
  ],
  options: reachOptions,
  examples: ['sekisho keys list', 'sekisho keys list --json'],
  async run(call) {
    const keys = await withOperator(call, (operator) => operator.listKeys());
    print(wantsJson(call), { keys: keys.map(keyJson) }, [
      ...table(
        ['KEY', 'ALGORITHM', 'STATE', 'SIGNS FROM', 'RETIRED'],
        keys.map((key) => [
          ...[key.kid, key.alg, key.state],
          ...[timeOf(key.activeFromMs), timeOf(key.retiredAtMs)],
        ]),
        'no keys',
      ),
    ]);
    return EXIT.done;
  },
};

export const keysRotate: Command = {
  name: 'keys rotate',
  operands: [],
  summary: 'Makes the next signing key: published now, used later.',
  description: [
    'Keys are rotated every 90 days without this. A key is published before its first use, so that every verifier that keeps the JWK Set has it by then; the one before it stays published until its last token has expired. Nobody is logged out.',
  ],
  options: [
    { name: 'ahead', value: 'TIME', help: 'when it signs, 150s to 30d; default 1h' },
    { name: 'alg', value: 'ALG', help: `${ALGORITHMS.join(', ')}; default ES256` },
    ...actOptions,
  ],
  examples: ['sekisho keys rotate', 'sekisho keys rotate --ahead 2h --alg EdDSA --json'],
  async run(call) {
    const seconds = duration(call, 'ahead', AHEAD);
    const input = {
      aheadMs: seconds === null ? null : seconds * 1000,
      alg: oneOf(call, 'alg', ALGORITHMS),
    };
    const key = await withOperator(call, (operator) => operator.rotateKeys(input));
    print(wantsJson(call), { key: keyJson(key) }, [
      `${key.kid} is published, and signs from ${timeOf(key.activeFromMs)} on`,
    ]);
    return EXIT.done;
  },
};

export const keysRetire: Command = {
  name: 'keys retire',
  operands: ['KEY'],
  summary: 'Stops the use of a signing key.',
  description: [
    'Where it is the one that signs, another is made that signs at once, without having been published ahead: verifiers that keep the JWK Set must fetch it when they see a key they do not know. Tokens of the retired key are good until they expire.',
    'With --withdraw they are refused, too: for a key that somebody else has got. Every node looks at the record once a minute, so all have done so after 75 seconds. Whoever held such a token logs in again.',
  ],
  options: [{ name: 'withdraw', help: 'refuse its tokens, too' }, yesOption, ...actOptions],
  examples: [
    'sekisho keys retire NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
    'sekisho keys retire NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs --withdraw --yes --json',
  ],
  async run(call) {
    const kid = operand(call, 0);
    const withdraw = given(call, 'withdraw');
    if (withdraw) await confirm(call, 'Refuse every token that this key has signed?');
    const { key, made } = await withOperator(call, (operator) =>
      operator.retireKey({ kid, withdraw }),
    );
    print(wantsJson(call), { key: keyJson(key), ...(made && { made: keyJson(made) }) }, [
      withdraw
        ? `${key.kid} is withdrawn: every node refuses its tokens within 75 seconds`
        : `${key.kid} signs no more; its tokens are good until they expire`,
      ...(made === null ? [] : [`${made.kid} signs from now on`]),
    ]);
    return EXIT.done;
  },
};

export const keysIssuer: Command = {
  name: 'keys issuer',
  operands: ['[URL]'],
  summary: 'Shows the issuer of the tokens (iss), or changes it.',
  description: [
    'No node is restarted. Where there is one node alone it holds at once; otherwise in two and a half minutes, when every node has seen it coming: until then all mint as the issuer before, and all accept both. Tokens of the issuer before are good until the last of them has expired (17 minutes); refreshed ones have the new one. Nobody is logged out.',
    'Tell whoever verifies tokens by themselves first: they must accept both meanwhile. Nodes that are started with SEKISHO_ISSUER keep to the change, and refuse a start afterwards for as long as the variable names an issuer that is not accepted any more: change or remove it within those minutes.',
  ],
  options: [yesOption, ...actOptions],
  examples: [
    'sekisho keys issuer',
    'sekisho keys issuer https://id.skyline.example --yes',
    'sekisho keys issuer --json',
  ],
  async run(call) {
    const issuer = operand(call, 0);
    if (issuer !== '' && !isIssuer(issuer)) throw new UsageError(`URL ${ISSUER_MUST}`);
    if (issuer !== '') await confirm(call, `Issue tokens as ${issuer}?`);
    const seen = await withOperator(call, (operator) =>
      issuer === '' ? operator.getIssuer() : operator.changeIssuer({ issuer }),
    );
    print(wantsJson(call), issuerJson(seen), [
      `issuer     ${seen.issuer}`,
      ...(seen.newest === seen.issuer
        ? []
        : [`next       ${seen.newest}, on every node from ${timeOf(seen.activeFromMs)} on`]),
      ...acceptedLines(seen),
    ]);
    return EXIT.done;
  },
};

function keyJson(key: KeySeen): object {
  return {
    id: key.kid,
    alg: key.alg,
    state: key.state,
    active_from: isoOf(key.activeFromMs),
    retired_at: isoOf(key.retiredAtMs),
  };
}

function issuerJson(seen: IssuerSeen): object {
  return {
    issuer: seen.issuer,
    newest: seen.newest,
    active_from: seen.activeFromMs === 0 ? null : isoOf(seen.activeFromMs),
    accepted: seen.accepted,
    ending: seen.ending.map(({ issuer, untilMs }) => ({ issuer, accepted_until: isoOf(untilMs) })),
  };
}

/** A line for each; of those that were replaced until when. */
function acceptedLines({ accepted, ending }: IssuerSeen): readonly string[] {
  const ends = new Map(ending.map(({ issuer, untilMs }) => [issuer, untilMs]));
  return accepted.map((issuer) => {
    const untilMs = ends.get(issuer);
    return `accepted   ${issuer}${untilMs === undefined ? '' : `, until ${timeOf(untilMs)}`}`;
  });
}
