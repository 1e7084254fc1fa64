import { connect, type Socket } from 'node:net';
import { SekishoError } from '../../errors.ts';

/** Answers one message of the control socket. What it throws is answered as `{error: {code, message}}`. */
export type ControlHandler = (message: unknown) => Promise<unknown>;

/** Longest message, characters. */
const MAX_MESSAGE = 64 * 1024;
/** Nobody who listens: no such file, or a file that a process left behind. */
const NOBODY = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ENOTDIR']);

/** Speaks JSON, one message a line, one reply a message, in order. */
export function serveLines(handler: ControlHandler): (socket: Socket) => void {
  return (socket) => {
    let text = '';
    let last: Promise<void> = Promise.resolve();
    socket.setEncoding('utf8');
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: string) => {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      if (text.length > MAX_MESSAGE) {
        socket.destroy();
        return;
      }
      for (const line of lines) {
        last = last.then(async () => {
          const reply = await answer(handler, line);
          if (socket.writable) socket.write(`${JSON.stringify(reply)}\n`);
        });
      }
    });
  };
}

async function answer(handler: ControlHandler, line: string): Promise<unknown> {
  try {
    return (await handler(JSON.parse(line))) ?? null;
  } catch (error) {
    if (error instanceof SekishoError) {
      return { error: { code: error.code, message: error.message } };
    }
    if (error instanceof SyntaxError) {
      return { error: { code: 'invalid_json', message: 'One line of JSON is a message.' } };
    }
    return { error: { code: 'internal', message: 'The server could not carry out the command.' } };
  }
}

/**
 * Sends one message and resolves with its reply; undefined when nobody listens at `path`.
 *
 * @throws SekishoError `store_unavailable` when whoever listens does not answer within `deadlineMs`.
 */
export function ask(path: string, message: unknown, deadlineMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = '';
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      settle();
    };
    const silent = (cause?: unknown): void =>
      end(() => {
        const words = 'The process that holds the data directory does not answer.';
        reject(new SekishoError('store_unavailable', words, { cause }));
      });
    const timer = setTimeout(silent, deadlineMs);
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(`${JSON.stringify(message)}\n`));
    socket.on('data', (chunk: string) => {
      text += chunk;
      const [line, ...more] = text.split('\n');
      if (more.length > 0) end(() => resolve(JSON.parse(line ?? 'null')));
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (NOBODY.has(error.code ?? '')) end(() => resolve(undefined));
      else silent(error);
    });
    socket.on('close', () => silent());
  });
}
