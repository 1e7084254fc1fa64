import { ERROR_STATUS, type ErrorCode, type FieldError, SekishoError } from '../errors.ts';
import { knownError } from '../http/problem.ts';
import { askHolder } from '../record/pglite/directory-lock.ts';
import type { FollowerStatus } from '../revocation/contract.ts';
import type { Engine, Operator } from '../session/contract.ts';

/**
 * What the operator's commands may ask of whoever holds the data directory: through its control socket (mode 0600) when
 * that is another process. `bootstrap` is the holder's own.
 */
export interface OperatorCommands extends Omit<Operator, 'bootstrap'> {
  /** How the node that answers is. */
  status(): Promise<FollowerStatus>;
}

const VERBS = [
  'createTenant',
  'listTenants',
  'resetUser',
  'declareRestored',
  'members',
  'status',
] as const satisfies readonly (keyof OperatorCommands)[];
type Verb = (typeof VERBS)[number];

/** Longer than a password hash and a barrier take together. */
const DEADLINE_MS = 30_000;

interface Reply {
  readonly result?: unknown;
  readonly error?:
    | string
    | {
        readonly code: string;
        readonly message: string;
        readonly errors?: readonly FieldError[];
      };
}

/** The commands, carried out by an engine of this process. */
export function commandsOf(engine: Pick<Engine, 'operator' | 'status'>): OperatorCommands {
  return { ...engine.operator, status: async () => engine.status() };
}

/** The holder's side: answers `{verb, input}` with `{result}` or `{error}`. */
export function answerCommands(operator: OperatorCommands): (message: unknown) => Promise<unknown> {
  return async (message) => {
    const { verb, input } = (message ?? {}) as {
      readonly verb?: unknown;
      readonly input?: unknown;
    };
    const known = VERBS.find((one) => one === verb);
    if (known === undefined) {
      const words = 'The running server does not know this command.';
      return { error: { code: 'invalid_request', message: words } } satisfies Reply;
    }
    try {
      // The socket is its owner's alone, and what the values may be is checked by the use cases.
      const run = operator[known] as (input: unknown) => Promise<unknown>;
      return { result: await run(input) } satisfies Reply;
    } catch (error) {
      const { code, message: words, errors } = knownError(error);
      return { error: { code, message: words, ...(errors && { errors }) } } satisfies Reply;
    }
  };
}

/**
 * The operator behind the control socket of `dataDir`. A call resolves with undefined when nobody holds the directory.
 *
 * @throws SekishoError what the holder threw; `not_ready` while it starts; `data_directory_in_use` when it does not answer.
 */
export function operatorAt(dataDir: string): {
  readonly ask: <V extends Verb>(
    verb: V,
    ...input: Parameters<OperatorCommands[V]>
  ) => Promise<Awaited<ReturnType<OperatorCommands[V]>> | undefined>;
} {
  return {
    async ask(verb, ...[input]) {
      const asked = await askHolder(dataDir, { verb, input }, DEADLINE_MS);
      if (asked === null) return undefined;
      const reply = asked.reply as Reply;
      if (reply.error !== undefined) throw errorOf(reply.error);
      return reply.result as never;
    },
  };
}

function errorOf(error: NonNullable<Reply['error']>): SekishoError {
  // A holder that takes no commands yet answers with words alone.
  if (typeof error === 'string') {
    return new SekishoError('not_ready', 'The server is starting or stopping.', {
      retryAfterSeconds: 1,
    });
  }
  const { code, message, errors } = error;
  const known: ErrorCode = code in ERROR_STATUS ? (code as ErrorCode) : 'internal';
  return new SekishoError(known, message, errors && { errors });
}
