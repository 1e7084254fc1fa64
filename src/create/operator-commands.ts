import {
  ERROR_STATUS,
  type ErrorCode,
  type FieldError,
  isOutage,
  isSekishoError,
  SekishoError,
} from '../errors.ts';
import { reasonOf } from '../observe/reason.ts';
import type { RecordSchema } from '../record/contract.ts';
import { askHolder } from '../record/pglite/directory-lock.ts';
import type { FollowerStatus } from '../revocation/contract.ts';
import type { Engine } from '../session/contract.ts';
import type { OnProgress, Operator, Progress } from '../session/operator/contract.ts';

/**
 * What the operator's commands may ask of whoever holds the data directory: through its control socket (mode 0600) when
 * that is another process. `bootstrap` is the holder's own.
 */
export interface OperatorCommands extends Omit<Operator, 'bootstrap'> {
  /** How the node that answers is. */
  status(): Promise<FollowerStatus>;
  /** What stands in the record about its schema. */
  schema(): Promise<RecordSchema>;
}

/** All of them: what is missing here could not be asked for through the socket. */
const VERBS: Readonly<Record<keyof OperatorCommands, true>> = Object.freeze({
  createTenant: true,
  listTenants: true,
  getTenant: true,
  suspendTenant: true,
  resumeTenant: true,
  deleteTenant: true,
  getTenantPolicy: true,
  setTenantPolicy: true,
  endPolicyOverride: true,
  listUsers: true,
  getUser: true,
  createUser: true,
  patchUser: true,
  deleteUser: true,
  resetUser: true,
  listSessions: true,
  getSession: true,
  revokeSessions: true,
  getRevocation: true,
  listKeys: true,
  rotateKeys: true,
  retireKey: true,
  getIssuer: true,
  changeIssuer: true,
  createClient: true,
  addClientSecret: true,
  listClients: true,
  deleteClient: true,
  backUp: true,
  backupStatus: true,
  declareRestored: true,
  pauseCleanup: true,
  resumeCleanup: true,
  cleanupStatus: true,
  overrideLifetimes: true,
  overrideLimits: true,
  overrideLogLevel: true,
  clearOverride: true,
  regenerateSessions: true,
  operations: true,
  listAudit: true,
  exportAudit: true,
  verifyAudit: true,
  witnessAudit: true,
  checkpointAudit: true,
  pruneAudit: true,
  eraseAudit: true,
  acceptAudit: true,
  rotateAuditKey: true,
  getAuditRetention: true,
  setAuditRetention: true,
  auditStatus: true,
  members: true,
  status: true,
  schema: true,
});
type Verb = keyof OperatorCommands;

/** How long a holder may show no sign of work. */
const DEADLINE_MS = 30_000;

interface Reply {
  readonly result?: unknown;
  readonly error?:
    | string
    | {
        readonly code: string;
        readonly message: string;
        readonly errors?: readonly FieldError[];
        /** Of a defect: where it was. */
        readonly stack?: string;
      };
}

/** The commands, carried out by an engine of this process. @param by who asks, for the audit trail; null: nobody said */
export function commandsOf(
  engine: Pick<Engine, 'operator' | 'operatorNamed' | 'status' | 'schema'>,
  by: string | null,
): OperatorCommands {
  const operator = by === null ? engine.operator : engine.operatorNamed(by);
  return { ...operator, status: async () => engine.status(), schema: () => engine.schema() };
}

/** The holder's side: answers `{verb, input, by}` with `{result}` or `{error}`. */
export function answerCommands(
  operatorOf: (by: string | null) => OperatorCommands,
): (message: unknown, onProgress: OnProgress) => Promise<unknown> {
  return async (message, onProgress) => {
    const { verb, input, by } = (message ?? {}) as {
      readonly verb?: unknown;
      readonly input?: unknown;
      readonly by?: unknown;
    };
    if (!isVerb(verb)) {
      const words = 'The running server does not know this command.';
      return { error: { code: 'invalid_request', message: words } } satisfies Reply;
    }
    try {
      // The socket is its owner's alone, and what the values may be is checked by the use cases.
      const operator = operatorOf(typeof by === 'string' ? by : null);
      const run = operator[verb] as (input: unknown, onProgress: OnProgress) => Promise<unknown>;
      return { result: await run(input, onProgress) } satisfies Reply;
    } catch (error) {
      return { error: toldOf(error) } satisfies Reply;
    }
  };
}

/**
 * An error as whoever runs the command is told of it: they own this process, and may know why a store is away or what a
 * defect says. Answers of HTTP never say so.
 */
function toldOf(error: unknown): Exclude<NonNullable<Reply['error']>, string> {
  if (!isSekishoError(error) || error.code === 'internal') {
    const stack = error instanceof Error ? error.stack : undefined;
    const message = `The running server failed: ${reasonOf(error)}`;
    return { code: 'internal', message, ...(stack !== undefined && { stack }) };
  }
  const { code, errors } = error;
  const message = isOutage(error) ? reasonOf(error) : error.message;
  return { code, message, ...(errors && { errors }) };
}

/** What one asks for, besides the verb. */
export interface Asking {
  readonly input?: unknown;
  /** Who asks. */
  readonly by?: string | null;
  readonly onProgress?: OnProgress | undefined;
}

/**
 * Asks the operator behind the control socket of `dataDir`.
 *
 * @returns null when nobody holds the directory.
 * @throws SekishoError what the holder threw; `not_ready` while it starts; `data_directory_in_use` when it does not answer.
 */
export async function askOperator(
  dataDir: string,
  verb: Verb,
  { input, by = null, onProgress }: Asking = {},
): Promise<{ readonly result: unknown } | null> {
  const asked = await askHolder(dataDir, { verb, input, by }, DEADLINE_MS, (progress) =>
    onProgress?.(progress as Progress),
  );
  if (asked === null) return null;
  const reply = asked.reply as Reply;
  if (reply.error !== undefined) throw errorOf(reply.error);
  return { result: reply.result };
}

/** The operator of the process that holds `dataDir`, each verb asked for through its control socket. @param by who asks */
export function operatorAt(dataDir: string, by: string | null = null): OperatorCommands {
  const asking = Object.keys(VERBS).map((verb) => [
    verb,
    async (input: unknown, onProgress?: OnProgress): Promise<unknown> => {
      const answer = await askOperator(dataDir, verb as Verb, { input, by, onProgress });
      if (answer !== null) return answer.result;
      throw new SekishoError(
        'store_unavailable',
        'The server has just ended: run the command again.',
      );
    },
  ]);
  return Object.freeze(Object.fromEntries(asking)) as OperatorCommands;
}

function isVerb(word: unknown): word is Verb {
  return typeof word === 'string' && Object.hasOwn(VERBS, word);
}

function errorOf(error: NonNullable<Reply['error']>): SekishoError {
  // A holder that takes no commands yet answers with words alone.
  if (typeof error === 'string') {
    return new SekishoError('not_ready', 'The server is starting or stopping.', {
      retryAfterSeconds: 1,
    });
  }
  const { code, message, errors, stack } = error;
  const known: ErrorCode = Object.hasOwn(ERROR_STATUS, code) ? (code as ErrorCode) : 'internal';
  const told = new SekishoError(known, message, errors && { errors });
  // Where it was asked for tells nothing of a defect that is elsewhere.
  if (stack !== undefined) told.stack = `${message}\n${stack}`;
  return told;
}
