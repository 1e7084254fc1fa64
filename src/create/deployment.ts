import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { SekishoError } from '../errors.ts';
import { newId } from '../id.ts';
import type { Log } from '../observe/log.ts';
import type { MemberRow, RecordStore } from '../record/contract.ts';
import { HEARTBEATS_PER_LEASE } from '../revocation/constants.ts';
import { acceptedIssuersAt, newestIssuer, parseSchedule } from '../token/issuer.ts';
import type { KeyRing } from '../token/secrets.ts';

/** How much later than due a heartbeat may be before its node counts as stopped. */
const LATE_MS = 1_000;
/** Somebody else may change a setting at the same moment. */
const TRIES = 3;

export interface DeploymentParts {
  readonly record: Pick<RecordStore, 'keys' | 'members'>;
  readonly ring: KeyRing;
  readonly config: Pick<Config, 'issuer' | 'firstIssuer' | 'audience'>;
  /** Embedded: a lock proves that no other node exists. */
  readonly exclusive: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** What all nodes of a deployment agree on; the record keeps it. */
export interface Deployment {
  /** Made with the record: names channels and keys of the hub. */
  readonly id: string;
  readonly issuer: string;
  readonly audience: string;
  /**
   * Looks again, once the node is a member: from then on nobody changes anything without seeing it.
   * @throws SekishoError `invalid_configuration`
   */
  confirm(): Promise<void>;
}

/**
 * Finds out what deployment the record belongs to, and refuses a node that would not fit in: another secret, issuer or
 * audience. The first start decides. Issuer and audience can be changed while no other node runs; the
 * issuer at any time by command; a secret by rotation.
 *
 * @throws SekishoError `invalid_configuration` with what to do; `store_unavailable`.
 */
export async function joinDeployment(parts: DeploymentParts): Promise<Deployment> {
  const { record, config } = parts;
  const id = await record.keys.setting('deployment', newId());
  await checkSecret(parts);
  const issuer = await agreedIssuer(parts);
  const audience = await agree(parts, {
    ...{ name: 'audience', variable: 'SEKISHO_AUDIENCE' },
    ...{ given: config.audience, first: 'sekisho' },
  });
  return {
    id,
    issuer,
    audience,
    async confirm() {
      const kept = await record.keys.setting('issuer', issuer);
      // Where it was changed by command meanwhile, this node takes it up like every other.
      const changed = await record.keys.issuerSchedule();
      if (kept !== issuer && changed === null) throw differs('SEKISHO_ISSUER', issuer, kept);
      const keptAudience = await record.keys.setting('audience', audience);
      if (keptAudience !== audience) throw differs('SEKISHO_AUDIENCE', audience, keptAudience);
    },
  };
}

/**
 * The record keeps the key ids of the ring that was last used, which tell nothing of the secrets. A ring that shares none
 * of them could open no signing key and follow no refresh token: it belongs to another deployment.
 */
async function checkSecret({ record: { keys }, ring }: DeploymentParts): Promise<void> {
  const ours = ring.members.map(({ keyId }) => keyId);
  let kept = await keys.setting('secret_key_ids', ours.join(' '));
  for (let left = TRIES; left > 0 && kept !== ours.join(' '); left -= 1) {
    const theirs = kept.split(' ');
    if (!theirs.some((keyId) => ours.includes(keyId))) {
      throw new SekishoError(
        'invalid_configuration',
        'SEKISHO_SECRET shares no member with the secret that this database was last used with: give the same one, or, to change it, the new one and the old one, comma-separated; another deployment needs a database of its own.',
      );
    }
    kept = await keys.replaceSetting('secret_key_ids', kept, ours.join(' '));
  }
}

/**
 * The issuer that the first start decided, or that was set while no other node ran; or, once it was changed by command, the
 * newest one. A variable that still names another one by then would put tokens back that nobody accepts any more.
 */
async function agreedIssuer(parts: DeploymentParts): Promise<string> {
  const { record, config, clock } = parts;
  const changed = await record.keys.issuerSchedule();
  if (changed === null) {
    return agree(parts, {
      ...{ name: 'issuer', variable: 'SEKISHO_ISSUER' },
      ...{ given: config.issuer, first: config.firstIssuer },
    });
  }
  const schedule = parseSchedule(changed);
  const { issuer } = newestIssuer(schedule);
  if (config.issuer === null || acceptedIssuersAt(schedule, clock.wallMs()).has(config.issuer)) {
    return issuer;
  }
  throw new SekishoError(
    'invalid_configuration',
    `SEKISHO_ISSUER is ${config.issuer} here, and was changed to ${issuer} by command: give that, or none; to change it again, use sekisho keys issuer.`,
  );
}

interface Agreed {
  /** In the record. */
  readonly name: 'issuer' | 'audience';
  readonly variable: 'SEKISHO_ISSUER' | 'SEKISHO_AUDIENCE';
  readonly given: string | null;
  /** What a new record keeps when nothing is given. */
  readonly first: string;
}

async function agree(
  { record, exclusive, clock, log }: DeploymentParts,
  { name, variable, given, first }: Agreed,
): Promise<string> {
  let kept = await record.keys.setting(name, given ?? first);
  for (let left = TRIES; given !== null && kept !== given; left -= 1) {
    if (left === 0 || (!exclusive && (await othersRun(record, clock)))) {
      throw differs(variable, given, kept);
    }
    const before = kept;
    kept = await record.keys.replaceSetting(name, before, given);
    if (kept === given) log.info({ before, now: given }, `the ${name} of the tokens was changed`);
  }
  return kept;
}

function differs(variable: Agreed['variable'], given: string, kept: string): SekishoError {
  const change =
    variable === 'SEKISHO_ISSUER' ? 'use sekisho keys issuer, or stop them all' : 'stop them all';
  return new SekishoError(
    'invalid_configuration',
    `${variable} is ${given} here, and ${kept} on the nodes that run on this database: give all of them the same; to change it, ${change} first; another deployment needs a database of its own.`,
  );
}

/**
 * Whether a member's heart beats: it is looked at twice, further apart than its heartbeats are. Rows of nodes that were
 * killed are still there, and stand still.
 */
async function othersRun(
  { members }: Pick<RecordStore, 'members'>,
  clock: Clock,
): Promise<boolean> {
  const before = await members.list();
  if (before.length === 0) return false;
  const waitMs = Math.max(...before.map(({ leaseMs }) => leaseMs)) / HEARTBEATS_PER_LEASE;
  await new Promise<void>((resolve) => {
    clock.after(waitMs + LATE_MS, resolve);
  });
  const beats = new Map(before.map(({ id, beat }): [string, number] => [id, beat]));
  return (await members.list()).some(({ id, beat }: MemberRow) => beats.get(id) !== beat);
}
